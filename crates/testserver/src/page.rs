//! `/page`: a page with links and forms, for what scripts do with HTML.

use axum::Router;
use axum::response::Html;
use axum::routing::get;

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en"><head><title>Tea &amp; cake</title><meta name="token" content="t-1"><link rel="stylesheet" href="style.css"></head>
<body class="shop front"><h1 id="top">Welcome, "guest"</h1>
<a class="next" href="/anything/next?page=2#top">Next <b>page</b></a> <a href="anything/here">Here</a> <a name="no-link">x</a>
<img src="cup.png" width="20" alt="A cup">
<form id="order" action="/anything/order" method="post">
<input type="hidden" name="token" value="t-2"><input name="who" value="guest"><input type="checkbox" name="milk" checked="checked"><input type="checkbox" name="sugar" value="two">
<input type="radio" name="size" value="small"><input type="radio" name="size" value="large" checked="checked">
<select name="kind"><option value="g">Green</option><option value="b" selected>Black</option></select>
<select name="extras" multiple><option selected>lemon</option><option selected>honey</option><option>rum</option></select>
<textarea name="note">no ice</textarea><input type="file" name="photo"><input type="submit" name="send" value="Order"></form>
<form class="search" action="/anything/search?lang=en"><input name="q" value="oolong tea"></form>
<ul><li data-id="7" data-tags='["a","b"]' data-in-stock="true" data-price="2.50">Assam</li><li class="new hot">Sencha</li><li>Mate</li></ul>
<!-- the end --><noscript><p>no script</p></noscript></body></html>
"#;

pub fn routes() -> Router {
    Router::new().route("/page", get(async || Html(PAGE)))
}
