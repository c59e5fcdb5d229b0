//! Who comes in, and what is noted of them, as the settings have it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use ipnet::IpNet;

use super::mirrors::secrets;
use crate::access::audit::{self, Trail};
use crate::access::webhook::Secrets;
use crate::access::{Gate, Grant, gate};
use crate::http::authentication::Trust;
use crate::http::tls;
use crate::settings::{Access, Settings, path};

/// How often it is looked whether the principals' file and the certificate have changed.
const LOOK: Duration = Duration::from_secs(1);

/// What stands between the world and the registry.
pub struct Doors {
    pub gate: Arc<Gate>,
    pub trust: Trust,
    pub trail: Option<Trail>,
    pub certificate: Option<Arc<tls::Certificate>>,
    pub secrets: Secrets,
}

impl Doors {
    /// Opens them.
    ///
    /// # Errors
    /// A setting is wrong, a file that one names cannot be used, or strangers would reach a service that is open to all.
    pub fn open(settings: &Settings, insecure_open: bool) -> anyhow::Result<Self> {
        let Settings { access, tls, audit, http, .. } = settings;
        let gate = Arc::new(gate(access)?);
        let certificate = path(&tls.certificate).map(|certificate| {
            let client_ca = path(&tls.client_ca);
            tls::Certificate::open(tls::Options { certificate, key: tls.key.clone(), client_ca })
        });
        let certificate = certificate.transpose().context("TLS")?;
        check_listening(http.listen, &gate, certificate.is_some(), insecure_open)?;
        let trail = path(&audit.file).map(|file| {
            let shown = file.display().to_string();
            let (size, keep, required) = (audit.size, audit.keep, audit.required);
            Trail::open(audit::Options { file, size, keep, required })
                .with_context(|| format!("the audit trail {shown} cannot be written"))
        });
        let secrets = secrets(settings)?;
        Ok(Doors { gate, trust: trust(access)?, trail: trail.transpose()?, certificate, secrets })
    }
}

fn gate(access: &Access) -> anyhow::Result<Gate> {
    let strangers: Vec<Grant> = access
        .proxy_roles
        .iter()
        .map(|role| role.parse().map_err(|fault| anyhow!("access.proxy_roles has {role:?}, which {fault}")))
        .collect::<anyhow::Result<_>>()?;
    let Some(file) = path(&access.principals) else { return Ok(Gate::Open) };
    let (remember, guesses) = (Duration::from_secs(access.remember), access.guesses);
    let options = gate::Options { file, remember, guesses, strangers };
    Gate::open(options).context("the principals' file (access.principals)")
}

fn trust(access: &Access) -> anyhow::Result<Trust> {
    let header = |name: &str| (!name.is_empty()).then(|| name.parse()).transpose();
    let network = |text: &String| {
        let single = text.parse::<IpAddr>().map(IpNet::from);
        single.or_else(|_| text.parse()).with_context(|| {
            format!(
                "access.proxies has {text:?}, which is neither an address nor a network such as 10.0.0.0/8"
            )
        })
    };
    Ok(Trust {
        proxies: access.proxies.iter().map(network).collect::<anyhow::Result<_>>()?,
        user: header(&access.proxy_user).context("access.proxy_user")?,
        email: header(&access.proxy_email).context("access.proxy_email")?,
        address: header(&access.proxy_address).context("access.proxy_address")?,
    })
}

/// Who reaches an open service may do everything, so only this machine reaches one unless that is asked for in words.
fn check_listening(
    listen: SocketAddr,
    gate: &Gate,
    encrypted: bool,
    insecure_open: bool,
) -> anyhow::Result<()> {
    let here = listen.ip().to_canonical().is_loopback();
    if gate.is_open() && !here {
        if !insecure_open {
            return Err(anyhow!(
                "{listen} can be reached by others, and without principals everybody may do everything: set \
                 access.principals, listen on 127.0.0.1, or say --insecure-open"
            ));
        }
        tracing::warn!(%listen, "everybody who reaches this address may do everything (--insecure-open)");
    } else if !encrypted && !here {
        tracing::warn!(%listen, "keys come over the network unencrypted; set tls.certificate, unless a proxy is before it");
    }
    Ok(())
}

/// Looks whether the principals' file and the certificate have changed, for ever.
pub async fn refresh(gate: Arc<Gate>, certificate: Option<Arc<tls::Certificate>>) {
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        ticks.tick().await;
        gate.refresh();
        if let Some(certificate) = &certificate {
            certificate.refresh();
        }
    }
}
