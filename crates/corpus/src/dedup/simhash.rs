//! Charikar's SimHash: texts with like shingles get fingerprints that differ in few bits.

/// The 64-bit SimHash of `shingles`: each bit is what most of them have there, 0 on a tie.
///
/// The counts of the 64 bits stand upright, bit `i` of every count in `planes[i]`, so that a
/// shingle is added to all 64 of them by a few operations on whole words.
#[must_use]
pub fn simhash(shingles: &[u64]) -> u64 {
    let mut planes = [0u64; usize::BITS as usize];
    for &shingle in shingles {
        let mut carry = shingle;
        for plane in &mut planes {
            (*plane, carry) = (*plane ^ carry, *plane & carry);
            if carry == 0 {
                break;
            }
        }
    }
    let n_planes = (usize::BITS - shingles.len().leading_zeros()) as usize;
    let count_at = |bit: usize| -> usize {
        (0..n_planes).map(|i| ((planes[i] >> bit & 1) as usize) << i).sum()
    };
    (0..64).filter(|&bit| 2 * count_at(bit) > shingles.len()).fold(0, |all, bit| all | 1 << bit)
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// One signed count a bit, as the paper has it.
    fn by_the_paper(shingles: &[u64]) -> u64 {
        let mut counts = [0i64; 64];
        for shingle in shingles {
            for (bit, count) in counts.iter_mut().enumerate() {
                *count += if shingle >> bit & 1 == 1 { 1 } else { -1 };
            }
        }
        (0..64).filter(|&bit| counts[bit] > 0).fold(0, |all, bit| all | 1 << bit)
    }

    #[test]
    fn upright_counts_are_the_counts() {
        for n in 0..300u64 {
            let shingle = |i: u64| xxh3_64(&(i * 1000 + n).to_le_bytes());
            let shingles: Vec<u64> = (0..n).map(shingle).collect();
            assert_eq!(simhash(&shingles), by_the_paper(&shingles), "{n} shingles");
        }
    }
}
