//! Lines of the log on their way out. A call of the system for each would be a tenth of what it takes to answer a read,
//! so a thread of its own writes at once whatever came while it rested.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// After it has written, the thread rests for so long: no line waits longer for it, unless nobody takes what it writes.
const REST: Duration = Duration::from_millis(2);
/// In bytes. With so many waiting, whoever logs more waits too, as with a pipe that is full.
const MOST: usize = 1 << 20;

/// Takes lines from any thread, and hands them on in their order.
pub struct Lines<W> {
    shared: Arc<Shared<W>>,
}

struct Shared<W> {
    waiting: Mutex<Waiting>,
    /// There is something for the thread to do.
    arrived: Condvar,
    /// Locked before lines are taken from those that wait, so that they go out in their order.
    out: Mutex<W>,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// The thread waits to be told of a line.
    is_idle: bool,
    /// There is no thread any more.
    has_ended: bool,
}

/// Ends the thread when it goes. What is logged afterwards is written at once.
pub struct Writing {
    end: Box<dyn Fn()>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Begins to write to `out`.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn begin(out: W) -> io::Result<(Self, Writing)> {
        let shared =
            Arc::new(Shared { waiting: Mutex::default(), arrived: Condvar::new(), out: Mutex::new(out) });
        let (theirs, ends) = (Arc::clone(&shared), Arc::clone(&shared));
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || theirs.run())?;
        let end = move || {
            ends.waiting().has_ended = true;
            ends.arrived.notify_one();
        };
        Ok((Lines { shared }, Writing { end: Box::new(end), thread: Some(thread) }))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        (self.end)();
        // It has nothing to say of a panic that was not said by then.
        self.thread.take().map(JoinHandle::join);
    }
}

impl<W: Write> Shared<W> {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let mut waiting = self.waiting();
            while waiting.lines.is_empty() && !waiting.has_ended {
                waiting.is_idle = true;
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.is_idle = false;
            let is_over = waiting.has_ended;
            drop(waiting);
            self.write_out();
            if is_over {
                return;
            }
            drop(self.arrived.wait_timeout_while(self.waiting(), REST, |waiting| !waiting.has_ended));
        }
    }

    /// Writes all that waits. Nobody is left to be told of what cannot be written.
    fn write_out(&self) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut self.waiting().lines);
        out.write_all(&lines).and_then(|()| out.flush()).unwrap_or_default();
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut waiting = self.waiting();
        waiting.lines.extend_from_slice(line);
        let full = waiting.lines.len() >= MOST;
        if at_once || full || waiting.has_ended {
            drop(waiting);
            self.write_out();
        } else if std::mem::take(&mut waiting.is_idle) {
            drop(waiting);
            self.arrived.notify_one();
        }
    }
}

/// What a line is written to, whole.
pub struct Line<'l, W> {
    shared: &'l Shared<W>,
    at_once: bool,
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.add(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l, W: Write + 'static> MakeWriter<'l> for Lines<W> {
    type Writer = Line<'l, W>;

    fn make_writer(&'l self) -> Self::Writer {
        Line { shared: &self.shared, at_once: false }
    }

    /// What somebody should know of does not wait: it may be the last that the process says.
    fn make_writer_for(&'l self, about: &Metadata<'_>) -> Self::Writer {
        Line { shared: &self.shared, at_once: *about.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Hands on what is written, and waits until somebody takes it.
    struct Handed(SyncSender<Vec<u8>>);

    impl Write for Handed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn begin() -> (Lines<Handed>, Writing, Receiver<Vec<u8>>) {
        let (sender, taken) = sync_channel(0);
        let (lines, writing) = Lines::begin(Handed(sender)).unwrap();
        (lines, writing, taken)
    }

    #[test]
    fn what_comes_while_lines_are_written_is_written_together_and_in_order() {
        let (lines, writing, taken) = begin();
        lines.make_writer().write_all(b"first\n").unwrap();
        assert_eq!(taken.recv().unwrap(), b"first\n");
        lines.make_writer().write_all(b"second\n").unwrap();
        // The thread is held up until it is taken, or rests.
        let mut expected = b"second\n".to_vec();
        for nth in 0..100 {
            let line = format!("line {nth}\n");
            lines.make_writer().write_all(line.as_bytes()).unwrap();
            expected.extend_from_slice(line.as_bytes());
        }
        let reading = thread::spawn(move || taken.iter().collect::<Vec<_>>());
        drop((writing, lines));
        let writes = reading.join().unwrap();
        assert_eq!(writes.concat(), expected);
        assert!(writes.len() <= 3, "{} writes", writes.len());
    }

    #[test]
    fn who_logs_more_than_anybody_takes_waits() {
        let (lines, writing, taken) = begin();
        let line = [b'x'; 1000];
        let logging = thread::spawn(move || {
            for _ in 0..(3 * MOST / line.len()) {
                lines.make_writer().write_all(&line).unwrap();
            }
        });
        let mut all = taken.recv().unwrap();
        while all.len() < 3 * MOST / line.len() * line.len() {
            let lines = taken.recv().unwrap();
            assert!(lines.len() <= MOST + line.len(), "{} bytes waited", lines.len());
            all.extend(lines);
        }
        logging.join().unwrap();
        drop(writing);
    }

    #[test]
    fn what_comes_after_the_end_is_written_at_once() {
        let (lines, writing, taken) = begin();
        drop(writing);
        let logging = thread::spawn(move || lines.make_writer().write_all(b"late\n").unwrap());
        assert_eq!(taken.recv().unwrap(), b"late\n");
        logging.join().unwrap();
    }
}
