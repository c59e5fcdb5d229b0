//! Which configurations are meant.

/// Whether one of these patterns is about a name.
pub fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| is_like(pattern, name))
}

/// `*` stands for any characters, also none.
fn is_like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    // Without a star the pattern is the name.
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_pattern_is_about_the_whole_name() {
        for (pattern, name, fits) in [
            ("*", "prod", true),
            ("prod", "prod", true),
            ("prod", "prod2", false),
            ("staging-*", "staging-eu", true),
            ("staging-*", "staging", false),
            ("*-eu", "a-eu-eu", true),
            ("*-eu", "a-eu-us", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ] {
            assert_eq!(is_like(pattern, name), fits, "{pattern} {name}");
        }
    }
}
