//! Every instruction set that this machine has, on several numbers of threads, against the table.

use hadal_cpu::{Cpu, Isa};
use hadal_tensor::conformance::assert_conforms;

#[test]
fn every_instruction_set_conforms() {
    for isa in Isa::available() {
        for n_threads in [1, 2, 3] {
            assert_conforms(&Cpu::with_isa(isa, n_threads));
        }
    }
}
