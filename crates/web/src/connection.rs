//! One connection (RFC 9112): requests one after the other, with the deadlines of its phases.
use crate::answer::{Ends, answer};
use crate::crowd::Place;
use crate::guard::{Guarded, Phase, PhaseCell};
use crate::limits::Limits;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// What all connections of a server share.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    /// Becomes true when the server ends.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Serves a connection to its end.
pub(crate) async fn serve<S>(stream: S, ends: Ends, place: Place, serving: Serving)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Serving { router, limits, mut ending } = serving;
    let (phase, at_work) = (PhaseCell::new(), place.answering());
    let stream = Guarded::new(stream, place, limits, phase.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        phase.set(Phase::Answer);
        at_work.store(true, Ordering::Relaxed);
        let answering = answer(router.clone(), limits, ends, request);
        let (phase, at_work) = (phase.clone(), at_work.clone());
        async move { Ok::<_, Infallible>(answering.await.map(|body| Answering { body, phase, at_work })) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            // Some clients close their half once they have asked.
            .half_close(true)
            .max_buf_size(limits.head_bytes)
            .max_headers(limits.headers)
            .serve_connection(TokioIo::new(stream), service)
    );
    // The end of a connection, whatever it is, concerns nobody.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|ending| *ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// The body of an answer; with its end the connection asks and answers nothing.
struct Answering {
    body: Body,
    phase: PhaseCell,
    at_work: Arc<AtomicBool>,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.phase.set(Phase::Idle);
        self.at_work.store(false, Ordering::Relaxed);
    }
}
