//! `hadal corpus serve`: the index of duplicates over HTTP.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::thread;

use anyhow::anyhow;
use clap::Args;
use hadal_corpus::Record;
use hadal_corpus::dedup::{Answer, Entry, Store, batch};
use serde_json::json;
use tiny_http::{Method, Request, Response, Server};

use crate::dedup::RuleArgs;

/// Serve the index of duplicates over HTTP.
///
/// POST /insert and POST /query take records as JSON lines and answer each with a line: `number`
/// (of an inserted one), `cluster` (the number of the first of its cluster; null for a query that
/// nothing is like), `duplicate_of` (that record's id or number, null if there is none) and
/// `similarity`. An answer to /insert is sent when its records are on the disk; a request with a
/// line that is no record is refused whole.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    rule: RuleArgs,
    /// The folder of the index; made where there is none.
    #[arg(long, value_name = "FOLDER")]
    index: PathBuf,
    /// Address and port; with port 0 the system chooses one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8087")]
    listen: String,
}

/// The most bytes of a request.
const LONGEST_REQUEST: u64 = 64 << 20;

/// Requests read and sketched at once; the index takes one insertion at a time.
const N_WORKERS: usize = 4;

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let store = RwLock::new(Store::open(&self.index, self.rule.rule()?)?);
        let server = Server::http(&self.listen)
            .map_err(|error| anyhow!("listening on {}: {error}", self.listen))?;
        println!("listening on http://{}", server.server_addr());
        thread::scope(|scope| {
            for _ in 0..N_WORKERS {
                scope.spawn(|| {
                    for request in server.incoming_requests() {
                        answer(request, &store);
                    }
                });
            }
        });
        Ok(())
    }
}

/// Why a request is refused: its status and a sentence.
struct Refusal(u16, String);

fn answer(mut request: Request, store: &RwLock<Store>) {
    let (status, body) = match respond(&mut request, store) {
        Ok(lines) => (200, lines),
        Err(Refusal(status, why)) => (status, json!({ "error": why }).to_string() + "\n"),
    };
    // A client that went away misses its answer and nobody else is the worse for it.
    let _ = request.respond(Response::from_string(body).with_status_code(status));
}

fn respond(request: &mut Request, store: &RwLock<Store>) -> Result<String, Refusal> {
    let is_insert = match (request.method(), request.url()) {
        (Method::Post, "/insert") => true,
        (Method::Post, "/query") => false,
        (method, url) => {
            let why = format!("{method} {url}: should be POST /insert or POST /query");
            return Err(Refusal(404, why));
        }
    };
    let sketched: Vec<_> =
        records(request)?.into_iter().map(|record| (Entry::of(&record.text), record.id)).collect();
    if is_insert {
        let mut store = store.write().unwrap_or_else(PoisonError::into_inner);
        let inserted: Vec<_> = sketched.iter().map(|(entry, id)| store.insert(entry, id)).collect();
        store.sync().map_err(|error| Refusal(500, error.to_string()))?;
        Ok(inserted.iter().map(|(number, answer)| line(&store, Some(*number), answer)).collect())
    } else {
        let store = store.read().unwrap_or_else(PoisonError::into_inner);
        Ok(sketched
            .iter()
            .map(|(entry, _)| line(&store, None, &store.index().query(entry)))
            .collect())
    }
}

fn records(request: &mut Request) -> Result<Vec<Record>, Refusal> {
    let mut body = Vec::new();
    request
        .as_reader()
        .take(LONGEST_REQUEST + 1)
        .read_to_end(&mut body)
        .map_err(|error| Refusal(400, format!("reading the request: {error}")))?;
    if body.len() as u64 > LONGEST_REQUEST {
        return Err(Refusal(413, "request longer than 64 MiB; send fewer records".to_owned()));
    }
    let lines = body.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
        .map(|(i, line)| {
            serde_json::from_slice(line).map_err(|error| {
                Refusal(400, format!("line {}: should be a JSON record: {error}", i + 1))
            })
        })
        .collect()
}

fn line(store: &Store, number: Option<u32>, answer: &Answer) -> String {
    let joined = number.or(answer.links.first().copied());
    let cluster = joined.map(|number| store.index().cluster(number));
    let first = cluster.filter(|&first| number != Some(first));
    let mut line = json!({
        "cluster": cluster,
        "duplicate_of": first.map(|first| batch::name(store, first)),
        "similarity": answer.similarity,
    });
    if let Some(number) = number {
        line["number"] = number.into();
    }
    line.to_string() + "\n"
}
