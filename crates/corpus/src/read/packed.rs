//! Packed streams of many members, which go on behind a broken one, and a limit to their growth.

use std::cell::Cell;
use std::io::{BufRead, Chain, Cursor, Error, ErrorKind, Read, Result};
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

fn corrupt(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// The members of a gzip file, one after the other. A broken one is one error; reading goes on with
/// the next that can be found.
pub(super) struct GzipMembers<R> {
    state: Gzip<R>,
    /// Whether the last member was broken and none has been read since.
    is_lost: bool,
}

enum Gzip<R> {
    Between(R),
    In(Box<GzDecoder<R>>),
    Ended,
}

impl<R: BufRead> GzipMembers<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: Gzip::Between(input), is_lost: false }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, Gzip::Ended) {
                Gzip::Ended => return Ok(0),
                Gzip::Between(mut input) => {
                    let ahead = input.fill_buf()?;
                    if ahead.is_empty() {
                        return Ok(0);
                    }
                    match memchr::memchr(0x1F, ahead) {
                        Some(0) => self.state = Gzip::In(Box::new(GzDecoder::new(input))),
                        found => {
                            let n_skipped = found.unwrap_or(ahead.len());
                            input.consume(n_skipped);
                            self.state = Gzip::Between(input);
                        }
                    }
                }
                Gzip::In(mut member) => match member.read(out) {
                    Ok(0) => self.state = Gzip::Between(member.into_inner()),
                    Ok(n_read) => {
                        self.is_lost = false;
                        self.state = Gzip::In(member);
                        return Ok(n_read);
                    }
                    Err(_) => {
                        self.state = Gzip::Between(member.into_inner());
                        if !std::mem::replace(&mut self.is_lost, true) {
                            return Err(corrupt("corrupt gzip"));
                        }
                    }
                },
            }
        }
    }
}

/// The frames of a Zstandard file, one after the other; it ends with one error where one is broken.
pub(super) struct ZstdFrames<R: Read> {
    state: Zstd<R>,
}

/// A frame, whose first bytes were looked at.
type Frame<R> = StreamingDecoder<Chain<Cursor<[u8; 4]>, R>, FrameDecoder>;

enum Zstd<R: Read> {
    Between(R),
    In(Box<Frame<R>>),
    Ended,
}

impl<R: BufRead> ZstdFrames<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: Zstd::Between(input) }
    }

    /// Opens the next frame; none at the end.
    fn next_frame(mut input: R) -> Result<Zstd<R>> {
        let mut magic = [0; 4];
        if input.fill_buf()?.is_empty() {
            return Ok(Zstd::Ended);
        }
        input.read_exact(&mut magic).map_err(|_| corrupt("corrupt Zstandard"))?;
        if matches!(magic, [0x50..=0x5F, 0x2A, 0x4D, 0x18]) {
            let mut len = [0; 4];
            input.read_exact(&mut len)?;
            let len = u64::from(u32::from_le_bytes(len));
            std::io::copy(&mut input.by_ref().take(len), &mut std::io::sink())?;
            return Ok(Zstd::Between(input));
        }
        StreamingDecoder::new(Cursor::new(magic).chain(input))
            .map(|frame| Zstd::In(Box::new(frame)))
            .map_err(|_| corrupt("corrupt Zstandard"))
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, Zstd::Ended) {
                Zstd::Ended => return Ok(0),
                Zstd::Between(input) => self.state = Self::next_frame(input)?,
                Zstd::In(mut frame) => match frame.read(out) {
                    Ok(0) => self.state = Zstd::Between(frame.into_inner().into_inner().1),
                    Ok(n_read) => {
                        self.state = Zstd::In(frame);
                        return Ok(n_read);
                    }
                    Err(_) => return Err(corrupt("corrupt Zstandard")),
                },
            }
        }
    }
}

/// How many times its packed length a stream may grow to.
const MOST_GROWTH: u64 = 500;

/// What a stream may grow to whatever its packed length, in bytes.
const FREE_GROWTH: u64 = 64 << 20;

/// Why a stream that grows further is given up.
pub(super) const OUT_OF_PROPORTION: &str = "unpacks to more than five hundred times its length";

/// What so many packed bytes may unpack to.
pub(super) fn allowed(n_packed: u64) -> u64 {
    FREE_GROWTH.max(n_packed.saturating_mul(MOST_GROWTH))
}

/// Watches how much of a packed stream has been read, against what came of it.
pub(super) struct Growth {
    n_packed: Rc<Cell<u64>>,
}

impl Growth {
    /// Counts what is read of `input`.
    pub(super) fn watch<R: BufRead>(input: R) -> (Counted<R>, Self) {
        let n_packed = Rc::new(Cell::new(0));
        (Counted { input, n_packed: n_packed.clone() }, Self { n_packed })
    }

    /// Of a stream whose packed length is known.
    pub(super) fn of_length(n_packed: u64) -> Self {
        Self { n_packed: Rc::new(Cell::new(n_packed)) }
    }

    /// Ends `unpacked` with an error once it has grown out of proportion.
    pub(super) fn limit<R: Read>(self, unpacked: R) -> Limited<R> {
        Limited { unpacked, n_packed: self.n_packed, n_unpacked: 0 }
    }
}

/// A stream, and how many of its bytes have been read.
pub(super) struct Counted<R> {
    input: R,
    n_packed: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let n_read = self.input.read(out)?;
        self.n_packed.set(self.n_packed.get() + n_read as u64);
        Ok(n_read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        self.input.consume(n_bytes);
        self.n_packed.set(self.n_packed.get() + n_bytes as u64);
    }
}

/// An unpacked stream that ends where it has grown out of proportion.
pub(super) struct Limited<R> {
    unpacked: R,
    n_packed: Rc<Cell<u64>>,
    n_unpacked: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let allowed = allowed(self.n_packed.get());
        if self.n_unpacked == u64::MAX {
            return Ok(0);
        }
        if self.n_unpacked > allowed {
            self.n_unpacked = u64::MAX;
            return Err(corrupt(OUT_OF_PROPORTION));
        }
        let n_read = self.unpacked.read(out)?;
        self.n_unpacked += n_read as u64;
        Ok(n_read)
    }
}
