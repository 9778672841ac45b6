//! Packed feed-forwards: one for all tokens, or a mixture of which each multiplies the tokens that
//! chose it.
//!
//! Two steps: first the gates and the ups of all experts, whose activated product is rounded where
//! it is made; then the downs, strip by strip of the output, so that a strip's task adds up the
//! experts of its tokens in their order.

use hadal_tensor::{ExpertWeights, Packing, Routing, STRIP_ROWS, Tensor};

use super::Product;
use super::activations::{Activations, Panel, PanelView, Sink};
use crate::Cpu;
use crate::elementwise::swiglu_row;
use crate::rows::Rows;

/// The tokens of one expert, and its matrices.
struct Group<'a> {
    tokens: Vec<usize>,
    /// What each token's output is multiplied with.
    weights: Vec<f32>,
    gate: Product<'a>,
    up: Product<'a>,
    down: Product<'a>,
}

/// Strips of a last matrix that stay together: a task has as many of every expert, and fetches run
/// ahead within them.
const DOWN_STRIPS: usize = 4;

/// Strips of the first matrices that make a whole group of what the last one meets.
fn strips_of_group(packing: Packing) -> usize {
    packing.group() / STRIP_ROWS
}

/// `down(silu(gate(x)) · up(x))` for `x` `[T, D]`.
pub(crate) fn feed_forward(
    cpu: &Cpu,
    x: &Tensor,
    [gate, up, down]: [&Tensor; 3],
    packings: [Packing; 2],
) -> Tensor {
    let together = strips_of_group(packings[1]);
    let group = Group {
        tokens: (0..x.rows()).collect(),
        weights: vec![1.0; x.rows()],
        gate: Product::new(cpu, gate, packings[0], together),
        up: Product::new(cpu, up, packings[0], together),
        down: Product::new(cpu, down, packings[1], DOWN_STRIPS),
    };
    let inputs = Activations::of(cpu, x.matrix(), packings[0]);
    grouped(cpu, x, &[group], &[inputs.panels()], packings)
}

/// The weighted sum of each token's experts for `x` `[T, D]`.
pub(crate) fn experts(
    cpu: &Cpu,
    x: &Tensor,
    routing: &Routing,
    weights: &ExpertWeights,
    packings: [Packing; 2],
) -> Tensor {
    let assignments = routing.assignments.as_slice::<i32>();
    let together = strips_of_group(packings[1]);
    let (n_active, of_all) = (routing.indices.cols(), routing.weights.as_slice::<f32>());
    let groups: Vec<Group<'_>> = (routing.offsets.as_slice::<i32>().windows(2))
        .enumerate()
        .filter(|(_, ends)| ends[0] < ends[1])
        .map(|(expert, ends)| {
            let assignments = &assignments[ends[0] as usize..ends[1] as usize];
            Group {
                tokens: assignments.iter().map(|a| *a as usize / n_active).collect(),
                weights: assignments.iter().map(|a| of_all[*a as usize]).collect(),
                gate: Product::new(cpu, &weights.gate[expert], packings[0], together),
                up: Product::new(cpu, &weights.up[expert], packings[0], together),
                down: Product::new(cpu, &weights.down[expert], packings[1], DOWN_STRIPS),
            }
        })
        .collect();
    let singles = Activations::singles(cpu, x.matrix(), packings[0]);
    let gathered = gather(cpu, &singles, &groups, packings[0]);
    let inputs: Vec<Vec<PanelView<'_>>> = (groups.iter().zip(&gathered))
        .map(|(group, gathered)| match gathered {
            Some(inputs) => inputs.panels(),
            None => vec![singles.single(group.tokens[0])],
        })
        .collect();
    grouped(cpu, x, &groups, &inputs, packings)
}

/// Puts the inputs of every group with several tokens into panels; a single token's lies among
/// `singles` already.
fn gather(
    cpu: &Cpu,
    singles: &Activations,
    groups: &[Group<'_>],
    packing: Packing,
) -> Vec<Option<Activations>> {
    let empty = |group: &Group<'_>| {
        let n = group.tokens.len();
        (n > 1).then(|| Activations::empty(cpu, n, group.gate.n_in, packing))
    };
    let mut gathered: Vec<Option<Activations>> = groups.iter().map(empty).collect();
    let work = groups.iter().map(|group| group.tokens.len() * group.gate.n_in).sum();
    let sinks: Vec<Option<Sink>> =
        gathered.iter_mut().map(|inputs| inputs.as_mut().map(Activations::sink)).collect();
    cpu.for_tasks(groups.len(), work, |group| {
        if let Some(sink) = &sinks[group] {
            // SAFETY: each group's columns are written by its own task alone.
            unsafe { sink.gather(singles, &groups[group].tokens) };
        }
    });
    gathered
}

/// Both steps; `inputs` are the columns of every group.
fn grouped(
    cpu: &Cpu,
    x: &Tensor,
    groups: &[Group<'_>],
    inputs: &[Vec<PanelView<'_>>],
    packings: [Packing; 2],
) -> Tensor {
    let (n_tokens, hidden) = (x.rows(), x.cols());
    let mut out = cpu.zeroed(&[n_tokens, hidden]);
    let Some(any) = groups.first() else { return out };
    let width = any.down.n_in;
    let n_columns: usize = groups.iter().map(|group| group.tokens.len()).sum();
    let active = activate(cpu, groups, inputs, packings[1], n_columns * 2 * width * hidden);
    add_up(cpu, groups, &active, &mut out, n_columns * width * hidden);
    out
}

/// First step: `silu(gate(x)) · up(x)` of every group, rounded.
fn activate(
    cpu: &Cpu,
    groups: &[Group<'_>],
    inputs: &[Vec<PanelView<'_>>],
    packing: Packing,
    work: usize,
) -> Vec<Activations> {
    let empty =
        |group: &Group<'_>| Activations::empty(cpu, group.tokens.len(), group.down.n_in, packing);
    let mut active: Vec<Activations> = groups.iter().map(empty).collect();
    let sinks: Vec<Sink> = active.iter_mut().map(Activations::sink).collect();
    let n_tasks = groups[0].gate.n_tasks();
    let step = |scratch: &mut Scratch, task: usize, next: Option<usize>| {
        let (group, part) = (task / n_tasks, task % n_tasks);
        let Group { tokens, gate, up, .. } = &groups[group];
        let strips = gate.strips_of(part);
        let first_row = strips.start * STRIP_ROWS;
        let n_rows = strips.len() * STRIP_ROWS;
        let n = tokens.len();
        scratch.reserve(n * n_rows);
        let next = next.map(|task| {
            let gate = &groups[task / n_tasks].gate;
            gate.bytes(gate.strips_of(task % n_tasks))
        });
        let put = |into: &mut [f32], column: usize, row: usize, numbers: &[f32]| {
            let at = column * n_rows + (row - first_row);
            into[at..at + numbers.len()].copy_from_slice(numbers);
        };
        let Scratch { gate: gated, up: upped, active } = scratch;
        let after_gate = Some(up.bytes(strips.clone()));
        let panels = &inputs[group];
        gate.multiply(strips.clone(), after_gate, panels, |c, r, numbers| {
            put(gated, c, r, numbers)
        });
        up.multiply(strips, next, panels, |c, r, numbers| put(upped, c, r, numbers));
        swiglu_row(cpu.isa, gated, upped, active);
        for (column, active) in active.chunks_exact(n_rows).enumerate() {
            let (sink, panel) = (&sinks[group], Panel::of(column, n));
            let first_block = first_row / packing.group();
            // SAFETY: the rows of a task are whole groups and its own, and the columns live on.
            unsafe { sink.round(cpu.isa, panel, column, first_block, active) };
        }
    };
    cpu.for_tasks_ahead(groups.len() * n_tasks, work, Scratch::default, step);
    active
}

/// Second step: adds the downs of every group to the output.
fn add_up(cpu: &Cpu, groups: &[Group<'_>], active: &[Activations], out: &mut Tensor, work: usize) {
    let panels: Vec<Vec<PanelView<'_>>> = active.iter().map(Activations::panels).collect();
    let stride = out.cols();
    let into = Rows::of(out.as_mut_slice(), stride);
    let n_tasks = groups[0].down.n_tasks();
    let step = |(): &mut (), task: usize, next: Option<usize>| {
        let strips = groups[0].down.strips_of(task);
        for (index, group) in groups.iter().enumerate() {
            let next = match groups.get(index + 1) {
                Some(group) => Some(group.down.bytes(strips.clone())),
                None => next.map(|task| groups[0].down.bytes(groups[0].down.strips_of(task))),
            };
            let panels = &panels[index];
            group.down.multiply(strips.clone(), next, panels, |column, row, numbers| {
                let (token, weight) = (group.tokens[column], group.weights[column]);
                // SAFETY: the strips of a task are its own, and token and row are of the output.
                unsafe { into.add(token, row, weight, numbers) };
            });
        }
    };
    cpu.for_tasks_ahead(n_tasks, work, || (), step);
}

/// What one thread needs between the products of a task.
#[derive(Default)]
struct Scratch {
    gate: Vec<f32>,
    up: Vec<f32>,
    active: Vec<f32>,
}

impl Scratch {
    fn reserve(&mut self, len: usize) {
        for buffer in [&mut self.gate, &mut self.up, &mut self.active] {
            buffer.resize(len, 0.0);
        }
    }
}
