//! The choice of experts: integer logic that every backend shares, apart from any kernel.

use crate::specification::{GroupLimit, GroupScore, RouterSpec};

/// Chooses the experts of one token from its affinities `scores` `[E]` and writes the indices,
/// best first, and the weights `[K]`.
///
/// `bias` `[E]` takes part in the choice alone. Of equals the lower index wins. The weights are
/// the unbiased scores of the chosen, divided by their sum plus 1e-20 where the specification
/// says so, times its scale.
///
/// # Panics
/// When there are fewer experts to choose from than `K`.
pub fn choose_experts(
    scores: &[f32],
    bias: Option<&[f32]>,
    spec: &RouterSpec,
    indices: &mut [i32],
    weights: &mut [f32],
) {
    let biased = |expert: usize| scores[expert] + bias.map_or(0.0, |bias| bias[expert]);
    let mut candidates = match &spec.groups {
        None => (0..spec.n_experts).collect(),
        Some(limit) => experts_of_best_groups(limit, spec.n_experts, biased),
    };
    for (index, weight) in indices.iter_mut().zip(weights.iter_mut()) {
        let expert = take_best(&mut candidates, biased);
        *index = expert as i32;
        *weight = scores[expert];
    }
    let denominator = if spec.renormalise { weights.iter().sum::<f32>() + 1e-20 } else { 1.0 };
    for weight in weights {
        *weight = *weight / denominator * spec.scale;
    }
}

/// The experts that stay in the choice, ascending. The others' −∞ is that they are not here.
fn experts_of_best_groups(
    limit: &GroupLimit,
    n_experts: usize,
    biased: impl Fn(usize) -> f32,
) -> Vec<usize> {
    let group_len = n_experts / limit.n_groups;
    let group_scores: Vec<f32> = (0..limit.n_groups)
        .map(|group| {
            let experts = group * group_len..(group + 1) * group_len;
            let (best, second) = two_best(experts.map(&biased));
            match limit.score {
                GroupScore::Max => best,
                GroupScore::TopTwoSum if group_len > 1 => best + second,
                GroupScore::TopTwoSum => best,
            }
        })
        .collect();
    let mut groups = (0..limit.n_groups).collect();
    let mut kept: Vec<usize> =
        (0..limit.n_kept).map(|_| take_best(&mut groups, |group| group_scores[group])).collect();
    kept.sort_unstable();
    kept.into_iter().flat_map(|group| group * group_len..(group + 1) * group_len).collect()
}

fn two_best(scores: impl Iterator<Item = f32>) -> (f32, f32) {
    scores.fold((f32::NEG_INFINITY, f32::NEG_INFINITY), |(best, second), score| {
        if score > best { (score, best) } else { (best, second.max(score)) }
    })
}

/// Removes and gives the candidate of the highest score; of equals, the first.
fn take_best(candidates: &mut Vec<usize>, score: impl Fn(usize) -> f32) -> usize {
    assert!(!candidates.is_empty(), "a choice of more experts than there are to choose from");
    let mut best = 0;
    for i in 1..candidates.len() {
        if score(candidates[i]) > score(candidates[best]) {
            best = i;
        }
    }
    candidates.remove(best)
}

/// Groups the assignments of all tokens by expert: from `indices` and `weights` `[T · K]` to the
/// `assignments` and `offsets` of a [`crate::Routing`].
///
/// An expert keeps at most `spec.capacity(T)` assignments, those of the greatest weight first and
/// of equals the earlier; the weight of a dropped one becomes 0.
pub fn group_by_expert(
    indices: &[i32],
    weights: &mut [f32],
    spec: &RouterSpec,
) -> (Vec<i32>, Vec<i32>) {
    let mut of_expert = vec![Vec::new(); spec.n_experts];
    for (assignment, &expert) in indices.iter().enumerate() {
        of_expert[expert as usize].push(assignment);
    }
    let capacity = spec.capacity(indices.len() / spec.n_active.max(1));
    let mut assignments = Vec::with_capacity(indices.len());
    let mut offsets = vec![0];
    for mut mine in of_expert {
        if mine.len() > capacity {
            // The sort is stable, so of equal weights the earlier stays in front.
            mine.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
            for dropped in mine.drain(capacity..) {
                weights[dropped] = 0.0;
            }
            mine.sort_unstable();
        }
        assignments.extend(mine.into_iter().map(|assignment| assignment as i32));
        offsets.push(assignments.len() as i32);
    }
    (assignments, offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specification::Scoring;

    fn spec(groups: Option<GroupLimit>) -> RouterSpec {
        RouterSpec {
            n_experts: 6,
            n_active: 2,
            scoring: Scoring::Sigmoid,
            groups,
            renormalise: false,
            scale: 1.0,
            capacity_factor: None,
        }
    }

    fn choose(scores: &[f32; 6], bias: Option<&[f32]>, spec: &RouterSpec) -> ([i32; 2], [f32; 2]) {
        let (mut indices, mut weights) = ([0; 2], [0.0; 2]);
        choose_experts(scores, bias, spec, &mut indices, &mut weights);
        (indices, weights)
    }

    #[test]
    fn the_bias_moves_the_choice_and_not_the_weights() {
        let scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        assert_eq!(choose(&scores, None, &spec(None)), ([5, 4], [0.6, 0.5]));
        let bias = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(choose(&scores, Some(&bias), &spec(None)), ([0, 5], [0.1, 0.6]));
    }

    #[test]
    fn of_equals_the_lower_index_wins() {
        assert_eq!(choose(&[0.5; 6], None, &spec(None)).0, [0, 1]);
        let one_of_three = GroupLimit { n_groups: 3, n_kept: 1, score: GroupScore::Max };
        assert_eq!(choose(&[0.5; 6], None, &spec(Some(one_of_three))).0, [0, 1]);
    }

    #[test]
    fn the_two_group_scores_differ() {
        let scores = [0.9, 0.0, 0.6, 0.5, 0.1, 0.1];
        let by = |score| spec(Some(GroupLimit { n_groups: 3, n_kept: 1, score }));
        assert_eq!(choose(&scores, None, &by(GroupScore::Max)).0, [0, 1]);
        assert_eq!(choose(&scores, None, &by(GroupScore::TopTwoSum)).0, [2, 3]);
    }

    #[test]
    fn negative_scores_of_a_kept_group_beat_masked_ones() {
        let scores = [0.1; 6];
        let bias = [0.5, -3.0, 0.0, 0.0, 0.0, 0.0];
        let limit = GroupLimit { n_groups: 3, n_kept: 1, score: GroupScore::Max };
        assert_eq!(choose(&scores, Some(&bias), &spec(Some(limit))).0, [0, 1]);
    }

    #[test]
    fn renormalised_weights_sum_to_the_scale() {
        let spec = RouterSpec { renormalise: true, scale: 2.5, ..spec(None) };
        let (_, weights) = choose(&[0.0, 0.0, 0.0, 0.2, 0.6, 0.0], None, &spec);
        assert!((weights[0] - 1.875).abs() < 1e-6 && (weights[1] - 0.625).abs() < 1e-6);
    }

    #[test]
    fn a_full_expert_drops_its_lightest_assignments() {
        // Four tokens, two experts each; a factor of 0.75 gives each expert one place.
        let spec = RouterSpec { capacity_factor: Some(0.75), ..spec(None) };
        assert_eq!(spec.capacity(4), 1);
        let indices = [0, 1, 0, 2, 0, 1, 3, 0];
        let mut weights = [0.3, 0.2, 0.5, 0.1, 0.5, 0.4, 0.9, 0.2];
        let (assignments, offsets) = group_by_expert(&indices, &mut weights, &spec);
        assert_eq!(assignments, [2, 5, 3, 6]);
        assert_eq!(offsets, [0, 1, 2, 3, 4, 4, 4]);
        assert_eq!(weights, [0.0, 0.0, 0.5, 0.1, 0.0, 0.4, 0.9, 0.0]);
    }

    #[test]
    fn without_a_limit_nothing_is_dropped() {
        let mut weights = [0.25; 6];
        let (assignments, offsets) =
            group_by_expert(&[5, 0, 5, 2, 0, 5], &mut weights, &spec(None));
        assert_eq!(assignments, [1, 4, 3, 0, 2, 5]);
        assert_eq!(offsets, [0, 2, 2, 3, 3, 3, 6]);
        assert_eq!(weights, [0.25; 6]);
    }
}
