//! Who belongs together: union-find in which the first of a cluster stands for it.

/// Clusters of the numbers `0..len`.
#[derive(Debug, Clone, Default)]
pub struct Clusters {
    /// Each number's way to the first of its cluster; never upward.
    parents: Vec<u32>,
}

impl Clusters {
    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// Adds the next number, in a cluster of its own.
    pub fn push(&mut self) {
        self.parents.push(self.parents.len() as u32);
    }

    /// The first number of the cluster of `number`.
    #[must_use]
    pub fn first(&self, mut number: u32) -> u32 {
        while self.parents[number as usize] != number {
            number = self.parents[number as usize];
        }
        number
    }

    /// Makes one cluster of those of `a` and `b`.
    pub fn join(&mut self, a: u32, b: u32) {
        let first = self.first(a).min(self.first(b));
        // Whoever stood on the way is led there at once, so that ways stay short.
        for mut number in [a, b] {
            while number != first {
                let parent = self.parents[number as usize];
                self.parents[number as usize] = first;
                if parent == number {
                    break;
                }
                number = parent;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    #[test]
    fn clusters_are_those_of_repainting() {
        for round in 0..200u64 {
            let mut clusters = Clusters::default();
            (0..40).for_each(|_| clusters.push());
            let mut colours: Vec<u32> = (0..40).collect();
            for i in 0..round % 60 {
                let random = xxh3_64(&(round * 100 + i).to_le_bytes());
                let (a, b) = (random as u32 % 40, (random >> 32) as u32 % 40);
                clusters.join(a, b);
                let (from, to) = (colours[a as usize], colours[b as usize]);
                colours.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
            }
            for number in 0..40u32 {
                let colour = colours[number as usize];
                let first = colours.iter().position(|&c| c == colour).map(|n| n as u32);
                assert_eq!(Some(clusters.first(number)), first, "round {round}");
            }
        }
    }
}
