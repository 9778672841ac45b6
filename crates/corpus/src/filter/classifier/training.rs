//! How the weights are learned: logistic regression by stochastic gradient descent.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Features;
use super::linear::{Linear, scale, softmax};

/// How to learn. The same examples and numbers give the same weights to the bit.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// How texts become buckets.
    pub features: Features,
    /// How often every example is seen.
    pub n_epochs: usize,
    /// Step size. Each weight's own falls with its gradients so far (AdaGrad, Duchi et al. 2011):
    /// rare n-grams then learn as much as common ones, which a single rate cannot give both.
    pub rate: f32,
    /// In how many groups of examples an n-gram must occur to be learned from. What only one site
    /// says teaches its name, and not its kind.
    pub min_groups: u8,
    /// How strongly weights are pulled to zero, for each time they are touched.
    pub decay: f32,
    /// What the order of the examples is drawn from.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Training {
        Training {
            features: Features::default(),
            n_epochs: 5,
            rate: 0.05,
            min_groups: 1,
            decay: 1e-4,
            seed: 0,
        }
    }
}

/// A text, its class and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// The text.
    pub text: &'a str,
    /// Which class, counted from 0.
    pub class: usize,
    /// What else comes from there too has the same number.
    pub group: u64,
}

impl Training {
    /// Learns from `examples`, whose classes are below `n_classes`.
    ///
    /// # Panics
    /// Where a class is not.
    pub fn run(&self, examples: &[Example<'_>], n_classes: usize) -> Linear {
        let mut linear = Linear::new(self.features, n_classes);
        let mut squares = vec![0.0f32; linear.weights.len()];
        let is_known = self.known(examples);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut buckets, mut errors) = (Vec::new(), vec![0.0; n_classes]);
        for _ in 0..self.n_epochs {
            order.shuffle(&mut rng);
            for &index in &order {
                let example = examples[index];
                self.features.extract(example.text, &mut buckets);
                linear.logits(&buckets, &mut errors);
                softmax(&mut errors, 1.0);
                errors[example.class] -= 1.0;
                self.step(&mut linear, &mut squares, &is_known, &buckets, &errors);
            }
        }
        linear
    }

    /// Whether each bucket occurs in enough groups.
    fn known(&self, examples: &[Example<'_>]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.sort_by_key(|&index| examples[index].group);
        // The group in which a bucket occurred last, and in how many it did.
        let mut seen = vec![(None, 0u8); self.features.n_buckets()];
        let mut buckets = Vec::new();
        for index in order {
            let Example { text, group, .. } = examples[index];
            self.features.extract(text, &mut buckets);
            for &bucket in &buckets[1..] {
                let (last, n_groups) = &mut seen[bucket as usize];
                if last.replace(group) != Some(group) {
                    *n_groups = n_groups.saturating_add(1);
                }
            }
        }
        // The bias is of every text.
        if let Some(&bias) = buckets.first() {
            seen[bias as usize].1 = u8::MAX;
        }
        seen.into_iter().map(|(_, n_groups)| n_groups >= self.min_groups).collect()
    }

    /// Moves the weights of the `buckets` that are known against the errors (`[classes]`).
    fn step(
        &self,
        linear: &mut Linear,
        squares: &mut [f32],
        is_known: &[bool],
        buckets: &[u32],
        errors: &[f32],
    ) {
        let scale = scale(&buckets[1..]);
        for (index, &bucket) in buckets.iter().enumerate() {
            if !is_known[bucket as usize] {
                continue;
            }
            let counts = if index == 0 { 1.0 } else { scale };
            let row = bucket as usize * errors.len();
            let weights = &mut linear.weights[row..row + errors.len()];
            let squares = &mut squares[row..row + errors.len()];
            for ((weight, square), error) in weights.iter_mut().zip(squares).zip(errors) {
                let gradient = error * counts + self.decay * *weight;
                *square += gradient * gradient;
                *weight -= self.rate * gradient / (square.sqrt() + 1e-6);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_to_tell_texts_apart_and_the_same_every_time() {
        let sea = ["the deep sea", "waves and salt water", "a whale in the ocean", "深海的鱼"];
        let sky = ["the high sky", "clouds and thin air", "a bird above the wind", "天上的云"];
        let sea = sea.map(|text| Example { text, class: 0, group: 0 });
        let sky = sky.map(|text| Example { text, class: 1, group: 1 });
        let examples = [sea, sky].concat();
        let training = Training { n_epochs: 20, rate: 0.5, ..Training::default() };
        let linear = training.run(&examples, 2);
        for example in &examples {
            let logits = linear.classify(example.text);
            assert!(logits[example.class] > logits[1 - example.class], "{}", example.text);
        }
        let logits = linear.classify("whales of the deep ocean");
        assert!(logits[0] > logits[1]);
        assert_eq!(training.run(&examples, 2), linear);
        let other = Training { seed: 1, ..training }.run(&examples, 2);
        assert_ne!(other, linear);
    }

    #[test]
    fn what_only_one_group_says_is_not_learned() {
        let example = |text, class, group| Example { text, class, group };
        let examples =
            [example("buy acme", 0, 1), example("buy other", 0, 2), example("read words", 1, 3)];
        let linear = Training { min_groups: 2, ..Training::default() }.run(&examples, 2);
        let moves = |text| linear.classify(text) != linear.classify("");
        assert!(moves("buy") && !moves("acme") && !moves("read"));
    }
}
