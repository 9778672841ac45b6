//! How often each text is learned from, and in which order: functions of the seed and its number.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A source, and what of it can be packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Available {
    /// Its tokens.
    pub n_tokens: u64,
    /// The share of all tokens packed that it should have; none where every text is packed once.
    pub share: Option<f64>,
}

/// How often a source's texts are packed: 1.25 is all once, and a quarter of them twice.
pub type Epochs = f64;

/// The epochs of each source: as many as its share asks for, where the source that is smallest beside
/// its share is repeated `most_epochs` times. Sources without shares are packed once.
#[must_use]
pub fn epochs(sources: &[Available], most_epochs: Epochs) -> Vec<Epochs> {
    let room =
        |source: &Available| source.share.map(|share| source.n_tokens as f64 * most_epochs / share);
    // All tokens that the mixture can have before its scarcest source is repeated too often.
    let n_tokens = sources.iter().filter_map(room).fold(f64::INFINITY, f64::min);
    let of = |source: &Available| match source.share {
        Some(share) if source.n_tokens > 0 => n_tokens * share / source.n_tokens as f64,
        Some(_) => 0.0,
        None => 1.0,
    };
    sources.iter().map(of).collect()
}

/// How often the text `number` is packed where its source has so many epochs: the whole ones, and
/// one more for as many texts as the rest is of all.
#[must_use]
pub fn copies(seed: u64, number: u64, epochs: Epochs) -> u64 {
    let whole = epochs.floor();
    whole as u64 + u64::from(fraction(hash(seed, number, "epochs")) < epochs - whole)
}

/// Whether the text `number` is of the share that is kept apart to measure on.
#[must_use]
pub fn is_held_out(seed: u64, number: u64, share: f64) -> bool {
    fraction(hash(seed, number, "validation")) < share
}

/// Where copy `copy` of the text `number` stands in the shuffled order.
#[must_use]
pub fn place(seed: u64, number: u64, copy: u64) -> u64 {
    hash(seed ^ copy.rotate_left(32), number, "place")
}

/// A number of 64 random bits, the same on every machine, for each purpose its own.
fn hash(seed: u64, number: u64, purpose: &str) -> u64 {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend_from_slice(purpose.as_bytes());
    xxh3_64_with_seed(&bytes, seed)
}

/// As a number from 0 to below 1.
fn fraction(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sources: &[(u64, Option<f64>)], most_epochs: Epochs, expected: &[Epochs]) {
        let sources: Vec<_> =
            sources.iter().map(|&(n_tokens, share)| Available { n_tokens, share }).collect();
        assert_eq!(epochs(&sources, most_epochs), expected);
    }

    #[test]
    fn the_scarcest_source_bounds_the_mixture() {
        check(&[(1000, None), (10, None)], 4.0, &[1.0, 1.0]);
        check(&[(1000, Some(0.5)), (100, Some(0.5))], 1.0, &[0.1, 1.0]);
        check(&[(1000, Some(0.5)), (100, Some(0.5))], 4.0, &[0.4, 4.0]);
        check(&[(900, Some(0.9)), (100, Some(0.1))], 1.0, &[1.0, 1.0]);
        check(&[(1000, Some(0.5)), (0, Some(0.5))], 1.0, &[0.0, 0.0]);
    }

    #[test]
    fn texts_are_packed_as_often_as_their_epochs_say() {
        for epochs in [0.0, 0.3, 1.0, 2.7] {
            let n: u64 = (0..10_000).map(|number| copies(7, number, epochs)).sum();
            assert!((n as f64 / 1e4 - epochs).abs() < 0.02, "{n} of {epochs}");
        }
        let held_out = (0..10_000).filter(|&number| is_held_out(7, number, 0.1)).count();
        assert!((900..1100).contains(&held_out), "{held_out}");
    }
}
