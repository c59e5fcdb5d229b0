//! Resources of each sort for a test to write to.

use serde_json::json;

use crate::support::Client;
use crate::support::documents::{described, service};

const SERVICES: &str = "/conf/prod/backend-services";

/// A resource with two versions, and the older one's id.
pub struct Target {
    pub path: String,
    pub old: String,
}

impl Target {
    /// An entry of its own in `prod`.
    pub fn entry(client: &Client, name: &str) -> Self {
        let path = format!("{SERVICES}/{name}");
        let old = client.post(&path, &service(name)).expect(201).version();
        client.put(&path, &described(name, "newer")).expect(200);
        Self { path, old }
    }

    /// The set of a configuration of its own.
    pub fn set(client: &Client, name: &str) -> Self {
        client.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
        let path = format!("/conf/{name}/backend-services");
        let old = client.post(&path, &json!([service("a"), service("b")])).expect(201).version();
        client.put(&path, &json!([described("a", "newer")])).expect(200);
        Self { path, old }
    }

    /// A configuration of its own.
    pub fn configuration(client: &Client, name: &str) -> Self {
        let path = format!("/conf/configs/{name}");
        client.post(&path, &json!({})).expect(201);
        let services = format!("/conf/{name}/backend-services");
        let old = client.post(&services, &json!([service("a")])).expect(201).version();
        client.put(&services, &json!([service("b")])).expect(200);
        Self { path, old }
    }
}
