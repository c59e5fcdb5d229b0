//! Any bytes, read as a document of each kind.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use revconf::document::{Document, KINDS, json};
use revconf::format::{decode, file_name};

fuzz_target!(|bytes: &[u8]| {
    let value = json::read(bytes);
    for kind in KINDS {
        let recognized = Document::recognize(kind, &Bytes::copy_from_slice(bytes));
        let parsed = value.clone().ok().map(|value| Document::parse(kind, value, None, "body"));
        if let Some(recognized) = &recognized {
            assert_eq!(parsed, Some(Ok(recognized.clone())), "recognized, and not read as what it is");
        }
        match parsed {
            None => {}
            Some(Err(faults)) => assert!(!faults.is_empty(), "refused, and nobody knows why"),
            Some(Ok(document)) => {
                // A document's own text is read as the same document, and if it is recognized, recognized as that.
                let text = document.text();
                assert!(Document::recognize(kind, text).is_none_or(|recognized| recognized == document));
                let again = json::read(text).expect("a document's text is JSON");
                assert_eq!(Document::parse(kind, again, Some(document.id()), "body").as_ref(), Ok(&document));
                let name = file_name(document.id());
                assert_eq!(decode(kind, &name, text).expect("a document's file"), document);
                assert!(decode(kind, "other~", text).is_err(), "{name} lies under another name");
            }
        }
    }
});
