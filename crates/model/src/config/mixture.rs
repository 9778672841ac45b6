//! The mixture of experts, and what of it a configuration may say.

use hadal_tensor::{GroupLimit, GroupScore, RouterSpec};
use serde_json::json;

use crate::error::Error;
use crate::keys::Keys;

use super::family::{Family, listed};

/// The mixture of experts of every layer after the dense ones.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureConfig {
    /// How tokens choose experts.
    pub router: RouterSpec,
    /// Whether a bias per expert takes part in the choice.
    pub selection_bias: bool,
    /// Width of one expert.
    pub expert_width: usize,
    /// Experts that every token visits, stored as one wide one.
    pub n_shared: usize,
}

/// Reads how many experts there are and how tokens choose them; none in a dense model.
pub(super) fn mixture(keys: &mut Keys, family: &Family) -> Result<Option<MixtureConfig>, Error> {
    let Some(router) = family.router else { return Ok(None) };
    let mut n_experts = None;
    for key in router.n_experts {
        n_experts = n_experts.or(keys.size_if_given(key)?);
    }
    let Some(n_experts) = n_experts else { return Ok(None) };
    let n_active = keys.size("num_experts_per_tok")?;
    if n_active > n_experts {
        let expected = format!("at most {}, {n_experts}", router.n_experts[0]);
        return Err(keys.bad("num_experts_per_tok", n_active, expected));
    }
    keys.expect("scoring_func", json!(router.scoring_name))?;
    let method = keys.word("topk_method")?.unwrap_or_else(|| router.methods[0].0.to_owned());
    let Some((_, score)) = router.methods.iter().find(|(name, _)| *name == method) else {
        let names: Vec<&str> = router.methods.iter().map(|(name, _)| *name).collect();
        return Err(keys.bad("topk_method", format!("{method:?}"), listed(&names)));
    };
    let groups = groups(keys, *score, n_experts, n_active)?;
    let renormalise = keys.flag_or("norm_topk_prob", router.renormalise)?;
    if renormalise && !router.may_renormalise {
        let expected = format!("false: the router of {} does not renormalise", family.name);
        return Err(keys.bad("norm_topk_prob", true, expected));
    }
    let scale = keys.positive_if_given("routed_scaling_factor")?.unwrap_or(1.0) as f32;
    let capacity_factor = keys.positive_if_given("capacity_factor")?.map(|factor| factor as f32);
    Ok(Some(MixtureConfig {
        router: RouterSpec {
            n_experts,
            n_active,
            scoring: router.scoring,
            groups,
            renormalise,
            scale,
            capacity_factor,
        },
        selection_bias: router.selection_bias,
        expert_width: keys.size("moe_intermediate_size")?,
        n_shared: keys.count_or("n_shared_experts", 0)?,
    }))
}

/// The restriction to the best groups, where it restricts anything.
fn groups(
    keys: &mut Keys,
    score: Option<GroupScore>,
    n_experts: usize,
    n_active: usize,
) -> Result<Option<GroupLimit>, Error> {
    let n_groups = keys.size_if_given("n_group")?.unwrap_or(1);
    let n_kept = keys.size_if_given("topk_group")?.unwrap_or(n_groups);
    let Some(score) = score else { return Ok(None) };
    if !n_experts.is_multiple_of(n_groups) {
        return Err(keys.bad("n_group", n_groups, format!("a divisor of {n_experts} experts")));
    }
    if n_kept > n_groups {
        return Err(keys.bad("topk_group", n_kept, format!("at most n_group, {n_groups}")));
    }
    if n_kept * (n_experts / n_groups) < n_active {
        let expected = format!("enough groups to choose {n_active} experts from");
        return Err(keys.bad("topk_group", n_kept, expected));
    }
    if score == GroupScore::TopTwoSum && n_groups > 1 && n_experts / n_groups < 2 {
        return Err(keys.bad("n_group", n_groups, "groups of at least two experts"));
    }
    Ok((n_kept < n_groups).then_some(GroupLimit { n_groups, n_kept, score }))
}
