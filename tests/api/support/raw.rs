//! Bytes to a socket, one answer back: for requests that are not HTTP, or hardly.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use super::PATIENCE;
use super::answer::Answer;

#[track_caller]
pub fn exchange(address: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server accepts connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    // A server that refuses early may close while the rest is still being sent; its answer counts, not our error.
    let _ = stream.write_all(bytes);
    let asked = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
    match read_answer(&mut BufReader::new(stream), bytes.starts_with(b"HEAD ")) {
        Ok((status, headers, body)) => Answer { asked, status, headers, body },
        Err(error) => panic!("no answer ({error}) to\n{asked}"),
    }
}

fn read_answer(from: &mut impl BufRead, is_head: bool) -> Result<(u16, HeaderMap, Vec<u8>), String> {
    let (status, headers) = read_head(from)?;
    if status == 100 {
        return read_answer(from, is_head);
    }
    let has_body = !is_head && status != 204 && status != 304;
    let body = if has_body { read_body(from, &headers)? } else { Vec::new() };
    Ok((status, headers, body))
}

/// Reads an answer up to its body.
pub fn read_head(from: &mut impl BufRead) -> Result<(u16, HeaderMap), String> {
    let line = read_line(from)?;
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("no status line: {line:?}"))?;
    Ok((status, read_headers(from)?))
}

fn read_headers(from: &mut impl BufRead) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    loop {
        let line = read_line(from)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.append(
            name,
            HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|error| error.to_string())?,
        );
    }
}

fn read_body(from: &mut impl BufRead, headers: &HeaderMap) -> Result<Vec<u8>, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(from);
    }
    match header("content-length") {
        Some(length) => read_exactly(from, length.parse().map_err(|_| format!("no length: {length:?}"))?),
        None => {
            let mut body = Vec::new();
            from.read_to_end(&mut body).map_err(|error| error.to_string())?;
            Ok(body)
        }
    }
}

fn read_chunks(from: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let line = read_line(from)?;
        let size =
            usize::from_str_radix(line.trim(), 16).map_err(|_| format!("no size of a chunk: {line:?}"))?;
        body.extend(read_exactly(from, size)?);
        read_line(from)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(from: &mut impl BufRead, length: usize) -> Result<Vec<u8>, String> {
    let mut body = vec![0; length];
    from.read_exact(&mut body).map_err(|error| error.to_string())?;
    Ok(body)
}

fn read_line(from: &mut impl BufRead) -> Result<String, String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(format!("the connection ended in {:?}", String::from_utf8_lossy(&line))),
    }
}
