//! The listening server.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::Method;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web};
use rustls::ServerConfig;

use super::body::Incoming;
use super::call::{Pattern, Shared};
use super::edge;
use super::{route, routes, tls};

/// How the server treats connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that answer requests.
    pub workers: usize,
    /// So many connections are served.
    pub connections: usize,
    /// An idle connection is kept so long.
    pub keep_alive: Duration,
    /// A request's head must be there by then.
    pub client_timeout: Duration,
    /// Requests that were accepted have so long to finish when the server stops.
    pub shutdown_timeout: Duration,
}

/// So many connections more than there may be are taken to be told so; what comes then waits with the system.
const REFUSED: usize = 256;

/// Starts to answer on a socket that is bound already, in TLS or plainly. Signals are the caller's matter.
///
/// # Errors
/// The socket cannot be listened on.
pub fn serve(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    shared: web::Data<Shared>,
    options: &Options,
) -> io::Result<Server> {
    let origins = shared.origins.clone();
    let crowd = Arc::clone(&shared.crowd);
    let table = web::Data::new(routes::Table::new(&shared.prefixes));
    let factory = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(table.clone())
            .default_service(web::to(answer))
            .wrap(Compress::default())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(edge::surround))
    };
    let server = HttpServer::new(factory)
        .workers(options.workers)
        .keep_alive(options.keep_alive)
        .client_request_timeout(options.client_timeout)
        .shutdown_timeout(options.shutdown_timeout.as_secs())
        .max_connections((options.connections + REFUSED).div_ceil(options.workers.max(1)))
        .on_connect(move |connection, kept| {
            tls::note_peer(connection, kept);
            crowd.note(connection, kept);
        })
        .disable_signals();
    let server = match tls {
        // HTTP/2 is offered there, too.
        Some(config) => server.listen_rustls_0_23(listener, config)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// Answers a request where its path leads.
async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    table: web::Data<routes::Table>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let incoming = Incoming::new(payload.into_inner());
    let Some(path) = table.find(request.uri().path()) else {
        return route::unread(edge::nothing(request, shared).await, incoming);
    };
    request.extensions_mut().insert(Pattern(Arc::clone(&path.pattern)));
    path.resource.answer(path.kind, request, incoming, shared).await
}

fn cors(origins: &[String]) -> Cors {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
    let exposed = ["etag", "link", "location", "retry-after", "revconf-version", "x-request-id"];
    let cors =
        Cors::default().allowed_methods(methods).allow_any_header().expose_headers(exposed).max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
