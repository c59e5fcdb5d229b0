//! Any text, a line for each header, read as `If-Match` and as `If-None-Match`.
#![no_main]

use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use libfuzzer_sys::fuzz_target;
use revconf::http::preconditions::read;
use revconf::registry::{Conditions, Tags};

fuzz_target!(|bytes: &[u8]| {
    for quoted_star in [false, true] {
        let mut headers = HeaderMap::new();
        for value in bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok())
        {
            headers.append(IF_MATCH, value.clone());
            headers.append(IF_NONE_MATCH, value);
        }
        let Ok(conditions) = read(&headers, quoted_star) else { continue };
        let Conditions { if_match, if_none_match } = &conditions;
        assert_eq!(if_match.is_some(), headers.contains_key(IF_MATCH), "a header must not be passed over");
        // A weak tag never matches strongly, and whatever matches strongly matches weakly.
        if let (Some(Tags::These(strong)), Some(Tags::These(all))) = (if_match, if_none_match) {
            assert!(strong.iter().all(|id| all.contains(id)));
        }
        let mut again = HeaderMap::new();
        for (name, tags) in [(IF_MATCH, if_match), (IF_NONE_MATCH, if_none_match)] {
            if let Some(tags) = tags {
                again.insert(name, HeaderValue::from_str(&written(tags)).expect("a header's value"));
            }
        }
        assert_eq!(read(&again, quoted_star).ok().as_ref(), Some(&conditions), "written and read again");
    }
});

fn written(tags: &Tags) -> String {
    match tags {
        Tags::Any => "*".to_owned(),
        // What matches nothing cannot be written as an empty list.
        Tags::These(ids) if ids.is_empty() => "\"nothing\"".to_owned(),
        Tags::These(ids) => ids.iter().map(|id| format!(" , \"{id}\"")).collect(),
    }
}
