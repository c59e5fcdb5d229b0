//! TLS: the service's certificate, which is read again when it changes, and the clients'.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert, ServerConfig,
    VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme, version};
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

/// The service's certificate as it is now, and the issuers of clients' certificates.
#[derive(Debug)]
pub struct Certificate {
    options: Options,
    current: ArcSwap<CertifiedKey>,
    /// The state of both files that was last looked at, be it good or not.
    seen: Mutex<[Option<Stamp>; 2]>,
    issuers: Option<Arc<Issuers>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or they do not go together.
    pub fn open(options: Options) -> Result<Arc<Self>, TlsError> {
        let seen = Mutex::new(stamps(&options));
        let current = ArcSwap::from_pointee(read(&options)?);
        let issuers = options.client_ca.clone().map(Issuers::open).transpose()?;
        Ok(Arc::new(Certificate { options, current, seen, issuers }))
    }

    /// Reads the files again if one has changed. What is wrong with them is logged, and what was in use stays so.
    pub fn refresh(&self) {
        self.refresh_certificate();
        if let Some(issuers) = &self.issuers {
            issuers.refresh();
        }
    }

    fn refresh_certificate(&self) {
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
    /// The library does not speak them so.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as Arc<_>;
        let Some(issuers) = &self.issuers else {
            return Ok(builder
                .with_client_cert_verifier(Arc::new(NoClientAuth))
                .with_cert_resolver(resolver));
        };
        let verifier: Arc<dyn ClientCertVerifier> = Arc::clone(issuers) as Arc<_>;
        let mut config = builder.with_client_cert_verifier(verifier).with_cert_resolver(resolver);
        // A session that is taken up again is not verified again, whoever its issuer is by then.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
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

/// Who issues the clients' certificates, as the file says now.
#[derive(Debug)]
struct Issuers {
    path: PathBuf,
    current: ArcSwap<Arc<dyn ClientCertVerifier>>,
    /// The state of the file that was last looked at, be it good or not.
    seen: Mutex<Option<Stamp>>,
}

impl Issuers {
    fn open(path: PathBuf) -> Result<Arc<Self>, TlsError> {
        let seen = Mutex::new(Stamp::now(&path));
        let current = ArcSwap::from_pointee(verifier(&path)?);
        Ok(Arc::new(Issuers { path, current, seen }))
    }

    fn refresh(&self) {
        let now = Stamp::now(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *seen {
            return;
        }
        *seen = now;
        match verifier(&self.path) {
            Ok(read) => {
                self.current.store(Arc::new(read));
                tracing::info!("the issuers of clients' certificates were read again");
            }
            Err(error) => tracing::error!(%error, "the issuers of clients' certificates stay as they were"),
        }
    }
}

impl ClientCertVerifier for Issuers {
    /// A client without a certificate may still show a key.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: they would be those of the start. A client then shows what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.current.load().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().supported_verify_schemes()
    }
}

fn verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(roots(path)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::new(ring::default_provider()));
    builder
        .allow_unauthenticated()
        .build()
        .map_err(|reason| TlsError::ClientCa { path: path.to_owned(), reason })
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
