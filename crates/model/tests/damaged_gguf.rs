//! Damaged GGUF files: one clear sentence each, never a panic, and nothing allocated that the file
//! could not hold.

#![allow(clippy::unwrap_used)] // Everywhere in a test, its helpers included.

use std::sync::Arc;

use hadal_model::Checkpoint;
use hadal_model::gguf::parse_vocabulary;
use hadal_tensor::HostBuffer;
use proptest::prelude::*;

/// The front of a file, written by hand.
#[derive(Clone, Default)]
struct Front {
    n_tensors: u64,
    n_keys: u64,
    keys: Vec<u8>,
    tensors: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

impl Front {
    fn key(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.n_keys += 1;
        self.keys.extend(text(key));
        self.keys.extend(kind.to_le_bytes());
        self.keys.extend(value);
        self
    }

    fn tensor(mut self, name: &str, dims: &[u64], kind: u32, offset: u64) -> Self {
        self.n_tensors += 1;
        self.tensors.extend(text(name));
        self.tensors.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|dim| self.tensors.extend(dim.to_le_bytes()));
        self.tensors.extend(kind.to_le_bytes());
        self.tensors.extend(offset.to_le_bytes());
        self
    }

    /// The file, with `data` behind the front.
    fn file(&self, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(self.n_tensors.to_le_bytes());
        bytes.extend(self.n_keys.to_le_bytes());
        bytes.extend(&self.keys);
        bytes.extend(&self.tensors);
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(data);
        bytes
    }
}

fn message(bytes: &[u8]) -> String {
    let memory = Arc::new(HostBuffer::from_bytes(bytes));
    let _ = parse_vocabulary("the file", &*memory);
    match Checkpoint::from_gguf("the file", memory) {
        Ok(_) => "it opens".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_damage_is_named() {
    const F32: u32 = 0;
    const U32: u32 = 4;
    const TEXT: u32 = 8;
    const LIST: u32 = 9;
    let front = Front::default();
    let list = |kind: u32, len: u64| [&kind.to_le_bytes()[..], &len.to_le_bytes()].concat();
    let deep = [list(9, 1), list(9, 1), list(9, 1), list(9, 1), list(4, 0)].concat();
    let architecture = front.clone().key("general.architecture", TEXT, &text("deepseek2"));
    let embedding = |dims: &[u64], kind, offset| {
        architecture.clone().tensor("token_embd.weight", dims, kind, offset)
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "it ends within the first four bytes, 4 bytes short"),
        (b"GGML\x03\0\0\0".to_vec(), "it is not a GGUF file: it begins with \"GGML\""),
        (b"GGUF\x01\0\0\0".to_vec(), "GGUF version 1; versions 2 and 3 are read"),
        (b"GGUF\0\0\0\x03".to_vec(), "big-endian"),
        (front.file(&[])[..20].to_vec(), "it ends within keys, 4 bytes short"),
        (
            Front { n_tensors: 1 << 60, ..front.clone() }.file(&[0; 64]),
            "there are 1152921504606846976 tensors; the rest of the file holds at most 2",
        ),
        (Front { n_keys: u64::MAX, ..front.clone() }.file(&[0; 64]), "keys; the rest"),
        (front.clone().key("k", 13, &[]).file(&[]), "the value of `k` has type 13"),
        (
            front.clone().key("k", TEXT, &u64::MAX.to_le_bytes()).file(&[0; 64]),
            "it ends within the value of `k`",
        ),
        (front.clone().key("k", TEXT, b"\x01\0\0\0\0\0\0\0\xff").file(&[]), "`k` is not UTF-8"),
        (
            front.clone().key("k", LIST, &list(U32, 1 << 61)).file(&[0; 64]),
            "entries of the value of `k`; the rest of the file holds at most",
        ),
        (
            front.clone().key("k", LIST, &list(TEXT, 8)).file(&[255; 64]),
            "it ends within the value of `k`",
        ),
        (front.clone().key("k", LIST, &deep).file(&[]), "a list in lists more than 4 deep"),
        (
            front.clone().key("k", U32, &[0; 4]).key("k", U32, &[0; 4]).file(&[]),
            "the key `k` is there twice",
        ),
        (front.file(&[]), "it has no key `general.architecture`"),
        (embedding(&[], F32, 0).file(&[0; 64]), "is of 0 dimensions; a tensor has 1 to 4"),
        (embedding(&[1; 5], F32, 0).file(&[0; 64]), "is of 5 dimensions; a tensor has 1 to 4"),
        (embedding(&[4, 0], F32, 0).file(&[0; 64]), "is [4, 0]; a tensor has 1 to 4"),
        (embedding(&[1 << 40; 4], F32, 0).file(&[]), "is larger than can be addressed"),
        (embedding(&[4], F32, u64::MAX - 31).file(&[]), "is larger than can be addressed"),
        (embedding(&[256], 16, 0).file(&[]), "is stored as iq2_xxs, which is not read; f32"),
        (embedding(&[4], 77, 0).file(&[0; 64]), "is stored as type 77, which is not read"),
        (embedding(&[33, 2], 2, 0).file(&[0; 64]), "has rows of 33; q4_0 stores blocks of 32"),
        (embedding(&[4], F32, 8).file(&[0; 64]), "begins at 8, which is not a multiple of 32"),
        (embedding(&[4, 8], F32, 0).file(&[0; 127]), "reaches 1 bytes beyond the end"),
        (
            embedding(&[4, 8], F32, 0).tensor("output.weight", &[4], F32, 96).file(&[0; 128]),
            "tensors `token_embd.weight` and `output.weight` overlap",
        ),
        (
            embedding(&[4], F32, 0).tensor("token_embd.weight", &[4], F32, 32).file(&[0; 128]),
            "the tensor `token_embd.weight` is there twice",
        ),
        (
            embedding(&[4], F32, 0).key("general.alignment", U32, &[12, 0, 0, 0]).file(&[0; 64]),
            "`general.alignment` is 12; it should be a power of two",
        ),
        (
            embedding(&[4], F32, 0).key("general.alignment", U32, &[0; 4]).file(&[0; 64]),
            "`general.alignment` is 0; it should be a power of two",
        ),
        (
            architecture.clone().tensor("blk.0.attn_sinks.weight", &[4], F32, 0).file(&[0; 64]),
            "`blk.0.attn_sinks.weight`, which this model does not know",
        ),
        (architecture.file(&[]), "it has no tensor `token_embd.weight`"),
        (embedding(&[4, 8], F32, 0).file(&[0; 128]), "it has no key `deepseek2."),
        (
            embedding(&[4, 8], F32, 0).key("deepseek2.block_count", U32, &[255; 4]).file(&[0; 128]),
            "`deepseek2.block_count` is 4294967295; expected at most the file's 1 tensors",
        ),
        (
            front
                .clone()
                .key("general.architecture", TEXT, &text("mamba"))
                .tensor("token_embd.weight", &[4, 8], F32, 0)
                .file(&[0; 128]),
            "its architecture is \"mamba\"; deepseek2",
        ),
    ];
    for (bytes, expected) in cases {
        let message = message(&bytes);
        assert!(message.contains(expected), "expected {expected:?} in {message:?}");
        assert!(message.starts_with("the file: "), "{message}");
    }
}

/// A whole file, and how many of its bytes are its front.
fn whole() -> (Vec<u8>, usize) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/gguf/moe_mha.gguf");
    let bytes = std::fs::read(path).unwrap();
    // Its last tensor's name begins the last entry of the front.
    let last = bytes.windows(4).rposition(|window| window == b"blk.").unwrap();
    (bytes, last + 64)
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (bytes, front) = whole();
    assert_eq!(message(&bytes), "it opens");
    let ends = (0..front).step_by(7).chain([front, bytes.len() / 2, bytes.len() - 1]);
    for end in ends {
        assert_ne!(message(&bytes[..end]), "it opens", "{end} bytes of {}", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..6)) {
        let (mut bytes, front) = whole();
        for (place, bit) in flips {
            bytes[place.index(front)] ^= 1 << bit;
        }
        let _ = message(&bytes);
    }

    #[test]
    fn numbers_in_the_front_never_panic(
        place in any::<prop::sample::Index>(),
        number in prop::sample::select(vec![0, 1, 2, 31, 1 << 31, u64::MAX >> 1, u64::MAX - 31, u64::MAX]),
    ) {
        let (mut bytes, front) = whole();
        let place = place.index(front - 8);
        bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        let _ = message(&bytes);
    }
}
