//! Who follows is looked at again with each heartbeat.

use super::{Principals, new_key};
use crate::support::{Follower, Heard};

#[test]
fn who_is_no_longer_let_in_is_no_longer_told() {
    let (ann, bob) = (new_key("ann", &["reader=prod"], &[]), new_key("bob", &["reader=prod"], &[]));
    let principals = Principals::of(&[&ann, &bob]);
    let server = principals.builder().env("REVCONF_HTTP_HEARTBEAT", "1").start();
    let events = "/conf/prod/events";
    server.client().request("GET", events).unchecked().send().expect_error(401);
    let follow = |key: &str| Follower::start(&server, events, &[("Authorization", &format!("Bearer {key}"))]);
    let (mut of_ann, mut of_bob) = (follow(&ann.key), follow(&bob.key));
    assert_eq!(of_ann.hear(), Heard::Heartbeat(None));
    principals.write(&bob.entry);
    while of_ann.hear() != Heard::End {}
    for _ in 0..3 {
        assert_eq!(of_bob.hear(), Heard::Heartbeat(None));
    }
}
