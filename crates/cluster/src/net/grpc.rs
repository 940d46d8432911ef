//! The one gRPC call, `throng.cluster.v1.Cluster/Join`, on hyper's HTTP/2.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;
use tonic::server::StreamingService;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::frames::{Frames, Responses};
use crate::protocol::{Frame, MAX_FRAME};

const PATH: &str = "/throng.cluster.v1.Cluster/Join";

/// Answers the request that opens a connection's stream. `accept` is given the worker's frames, once.
pub(super) async fn answer(
    request: http::Request<Incoming>,
    responses: Option<Frames>,
    accept: impl FnOnce(Streaming<Frame>) + Send,
) -> http::Response<Body> {
    if request.uri().path() != PATH {
        return Status::unimplemented("this is a throng controller; it knows one call").into_http();
    }
    let Some(responses) = responses else {
        return Status::resource_exhausted("one stream on each connection").into_http();
    };
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<Frame, Frame>::default())
        .max_decoding_message_size(MAX_FRAME)
        .max_encoding_message_size(MAX_FRAME);
    grpc.streaming(Accept { accept: Some(accept), responses: Some(responses) }, request).await
}

struct Accept<F> {
    accept: Option<F>,
    responses: Option<Frames>,
}

impl<F: FnOnce(Streaming<Frame>)> StreamingService<Frame> for Accept<F> {
    type Response = Frame;
    type ResponseStream = Responses;
    type Future = Ready<Result<Response<Responses>, Status>>;

    fn call(&mut self, request: Request<Streaming<Frame>>) -> Self::Future {
        // tonic calls it once.
        let (Some(accept), Some(responses)) = (self.accept.take(), self.responses.take()) else {
            return ready(Err(Status::internal("called twice")));
        };
        accept(request.into_inner());
        ready(Ok(Response::new(Responses(responses))))
    }
}

/// Opens the stream on a new connection; the controller's frames come back.
pub(super) async fn open(
    connection: SendRequest<Body>,
    requests: Frames,
) -> Result<Streaming<Frame>, Status> {
    // The authority is of no account to the controller; the address in it could be an IPv6 literal with a zone.
    let origin = http::Uri::from_static("http://controller");
    let mut grpc = tonic::client::Grpc::with_origin(Channel(connection), origin)
        .max_decoding_message_size(MAX_FRAME)
        .max_encoding_message_size(MAX_FRAME);
    let path = PathAndQuery::from_static(PATH);
    let codec = ProstCodec::<Frame, Frame>::default();
    Ok(grpc.streaming(Request::new(requests), path, codec).await?.into_inner())
}

/// hyper's connection as the service that tonic calls.
struct Channel(SendRequest<Body>);

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = tonic::codegen::BoxFuture<Self::Response, hyper::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
