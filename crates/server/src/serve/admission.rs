//! Before everything else: whether whoever asks is let in.
//!
//! Open without a login are the two probes of ours and the login itself. Where there is no login, a loopback address is reached by
//! programs and by browsers of this machine only, under a name that nobody else can have (see [`super::guard`]).

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Form, FromRequest as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::listen::Remote;
use super::{Host, asking, foreign, guard, json, problem, yielding};
use crate::login::{Claim, Gate, Refused};
use crate::page::{Access, Admission, Shared};

/// The login needs its style sheet and its own form, and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("login.css");

/// Lets a request pass, or answers it.
pub(super) async fn check(State(shared): Host, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_theirs = shared.is_theirs(path);
    if !is_theirs && matches!(path, "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let refused = match &shared.admission {
        Admission::Open => match guard::by_address(request.headers(), shared.access) {
            Ok(()) => None,
            Err(denied) => Some(problem(StatusCode::FORBIDDEN, denied.0)),
        },
        Admission::Gate(_) if path == "/login" || path == yielding::STYLE => None,
        Admission::Gate(gate) => {
            let admitted = gate.admit(request.headers(), remote(&request));
            admitted.err().map(|why| turn_away(&shared, &request, &why))
        }
        Admission::Host => None,
    };
    if let Some(response) = refused {
        return response;
    }
    if is_theirs {
        return foreign::answer(shared, request).await;
    }
    // Locust's own rule: what a locustfile adds guards itself, its login not at all.
    if !asking::is_ours(path) || !shared.is_guarded() {
        return next.run(request).await;
    }
    match asking::ask(&shared, request).await {
        Ok((request, headers)) => {
            let mut response = next.run(request).await;
            asking::add(&mut response, headers);
            response
        }
        Err(asking::Refused::Stranger(request)) => turn_away(&shared, &request, &Refused::Stranger),
        Err(asking::Refused::Answered(response)) => response,
    }
}

fn remote(request: &Request) -> IpAddr {
    let known = request.extensions().get::<ConnectInfo<Remote>>();
    known.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(remote)| remote.0.ip())
}

/// What somebody hears who is not let in: a browser that opens a page is sent to the login.
fn turn_away(shared: &Shared, request: &Request, why: &Refused) -> Response {
    let wants_page = *request.method() == Method::GET
        && request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|value| value.to_str().is_ok_and(|kinds| kinds.contains("text/html")));
    match why {
        Refused::TooMany(wait) => too_many(*wait),
        _ if wants_page => see_other(&format!("{}/login", shared.base_path)),
        _ => {
            let text = "log in at /login, or send the token: Authorization: Bearer TOKEN";
            let mut response = problem(StatusCode::UNAUTHORIZED, text);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let mut response = problem(
        StatusCode::TOO_MANY_REQUESTS,
        &format!("too many attempts to log in failed: try again in {seconds} s"),
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn see_other(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

// ---- the login ------------------------------------------------------------------------------------

/// `GET /login`.
pub(super) async fn form(State(shared): Host, request: Request) -> Response {
    match &shared.admission {
        Admission::Gate(gate) => page(gate, StatusCode::OK, None),
        // The locustfile's, or none; a guard of it stands before this too.
        Admission::Host => foreign::pass(shared, request).await,
        Admission::Open if shared.is_guarded() => foreign::pass(shared, request).await,
        // As Locust answers where there is no login.
        Admission::Open => {
            (StatusCode::FOUND, [(header::LOCATION, format!("{}/", shared.base_path))]).into_response()
        }
    }
}

/// `GET /login.css`.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
}

/// `POST /login`.
pub(super) async fn log_in(
    State(shared): Host,
    ConnectInfo(remote): ConnectInfo<Remote>,
    request: Request,
) -> Response {
    let Admission::Gate(gate) = &shared.admission else {
        // A locustfile may have such a route.
        return foreign::ask(State(shared), ConnectInfo(remote), request).await;
    };
    let headers = request.headers().clone();
    let Form(shown) = match Form::<Shown>::from_request(request, &()).await {
        Ok(form) => form,
        Err(rejection) => return rejection.into_response(),
    };
    if let Err(denied) = guard::same_site(&headers, Access::Anyone) {
        return problem(StatusCode::FORBIDDEN, denied.0);
    }
    let claim = if shown.token.is_empty() {
        Claim::Person(&shown.username, &shown.password)
    } else {
        Claim::Token(&shown.token)
    };
    match gate.log_in(&claim, remote.0.ip()) {
        Ok(session) => {
            let mut response = see_other(&format!("{}/", shared.base_path));
            set_cookie(&mut response, &cookie(&shared, gate, &session));
            response
        }
        Err(Refused::TooMany(wait)) => {
            let seconds = wait.as_secs() + 1;
            let text = format!("Too many attempts failed. Try again in {seconds} seconds.");
            let mut response = page(gate, StatusCode::TOO_MANY_REQUESTS, Some(&text));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Err(_) => {
            let text = if gate.has_person() { "User or password is wrong." } else { "The token is wrong." };
            page(gate, StatusCode::UNAUTHORIZED, Some(text))
        }
    }
}

/// `POST /logout`.
pub(super) async fn log_out(State(shared): Host, request: Request) -> Response {
    let Admission::Gate(gate) = &shared.admission else {
        // A locustfile may have such a route.
        return foreign::answer(shared, request).await;
    };
    if let Err(denied) = guard::same_site(request.headers(), Access::Anyone) {
        return problem(StatusCode::FORBIDDEN, denied.0);
    }
    gate.log_out(request.headers());
    let mut response = see_other(&format!("{}/login", shared.base_path));
    set_cookie(&mut response, &(cookie(&shared, gate, "") + "; Max-Age=0"));
    response
}

/// `GET /api/v1/session`: for the page, which offers to log out where that means something.
pub(super) async fn session(State(shared): Host) -> Response {
    let login = matches!(shared.admission, Admission::Gate(_));
    json(StatusCode::OK, serde_json::json!({ "login": login }).to_string())
}

/// Not to be read by scripts, and not sent when another site links here.
fn cookie(shared: &Shared, gate: &Gate, value: &str) -> String {
    let secure = if shared.encrypted { "; Secure" } else { "" };
    format!("{}={value}; Path={}/; HttpOnly; SameSite=Strict{secure}", gate.cookie(), shared.base_path)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn page(gate: &Gate, status: StatusCode, error: Option<&str>) -> Response {
    let error = error.map_or_else(String::new, |text| format!("<p role=\"alert\">{text}</p>"));
    let fields = if gate.has_person() {
        "<label>User<input name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" required autofocus></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>"
    } else {
        "<label>Token<input name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus></label>"
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Log in · throng</title>\
         <link rel=\"stylesheet\" href=\"login.css\"></head><body><main><h1>throng</h1>{error}\
         <form method=\"post\" action=\"login\">{fields}<button>Log in</button></form></main></body></html>\n"
    );
    (status, [(header::CONTENT_SECURITY_POLICY, POLICY)], Html(Body::from(html))).into_response()
}
