//! TLS: the service's certificate, which is read again when it changes, and the clients'.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, NoClientAuth, ResolvesServerCert, ServerConfig, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, version};
use sha2::{Digest, Sha256};

use super::authentication::PeerCertificate;
use crate::access::file::Stamp;

/// Where the certificates are, all as PEM.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service's own, and those between it and its root.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Those of the issuers of clients' certificates; `None` asks clients for none.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read: {}", path.display(), told(.reason))]
    File { path: PathBuf, reason: pem::Error },
    #[error("{} has no certificate", .0.display())]
    Empty(PathBuf),
    #[error("{} and {} do not go together: {reason}", certificate.display(), key.display())]
    Pair { certificate: PathBuf, key: PathBuf, reason: rustls::Error },
    #[error("{} cannot be used: {reason}", path.display())]
    ClientCa { path: PathBuf, reason: VerifierBuilderError },
    #[error("{} has a certificate that cannot be used: {reason}", path.display())]
    ClientRoot { path: PathBuf, reason: rustls::Error },
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// Of a file with a private key nothing is told but that it cannot be read.
fn told(reason: &pem::Error) -> String {
    match reason {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is nothing of the kind in it".to_owned(),
        _ => "it is no PEM".to_owned(),
    }
}

/// The service's certificate as it is now.
#[derive(Debug)]
pub struct Certificate {
    options: Options,
    current: ArcSwap<CertifiedKey>,
    /// The state of both files that was last looked at, be it good or not.
    seen: Mutex<[Option<Stamp>; 2]>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or they do not go together.
    pub fn open(options: Options) -> Result<Arc<Self>, TlsError> {
        let seen = Mutex::new(stamps(&options));
        let current = ArcSwap::from_pointee(read(&options)?);
        Ok(Arc::new(Certificate { options, current, seen }))
    }

    /// Reads the files again if one has changed. What is wrong with them is logged, and what was in use stays so.
    pub fn refresh(&self) {
        let now = stamps(&self.options);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *seen {
            return;
        }
        *seen = now;
        match read(&self.options) {
            Ok(read) => {
                self.current.store(Arc::new(read));
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        }
    }

    /// How the server speaks TLS: 1.2 and 1.3, with what [`ring`] has.
    ///
    /// # Errors
    /// The issuers' certificates cannot be used.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(TlsError::Setup)?;
        let verifier = match &self.options.client_ca {
            None => Arc::new(NoClientAuth) as Arc<_>,
            Some(path) => {
                let roots = Arc::new(roots(path)?);
                // A client without one may still show a key.
                WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|reason| TlsError::ClientCa { path: path.clone(), reason })?
            }
        };
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as Arc<_>;
        Ok(builder.with_client_cert_verifier(verifier).with_cert_resolver(resolver))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Keeps, with a connection, the certificate that its other end has proved to have.
pub fn note_peer(connection: &dyn Any, kept: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let chain = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    if let Some(certificate) = chain.and_then(<[CertificateDer<'_>]>::first) {
        kept.insert(PeerCertificate(Sha256::digest(certificate).into()));
    }
}

fn stamps(options: &Options) -> [Option<Stamp>; 2] {
    [&options.certificate, &options.key].map(|path| Stamp::now(path))
}

fn read(options: &Options) -> Result<CertifiedKey, TlsError> {
    let Options { certificate, key, .. } = options;
    let chain = certificates(certificate)?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|reason| TlsError::File { path: key.clone(), reason })?;
    let provider: CryptoProvider = ring::default_provider();
    CertifiedKey::from_der(chain, secret, &provider).map_err(|reason| TlsError::Pair {
        certificate: certificate.clone(),
        key: key.clone(),
        reason,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |reason| TlsError::File { path: path.to_owned(), reason };
    let found = CertificateDer::pem_file_iter(path).map_err(file)?.collect::<Result<Vec<_>, _>>();
    let found = found.map_err(file)?;
    if found.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(found) }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|reason| TlsError::ClientRoot { path: path.to_owned(), reason })?;
    }
    Ok(roots)
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        io::Error::other(error)
    }
}
