//! Every instruction set that this machine has, on several numbers of threads, against the table.

use hadal_cpu::{Cpu, Isa};
use hadal_tensor::conformance::{Bound, assert_conforms, assert_conforms_within};

#[test]
fn every_instruction_set_conforms() {
    for isa in Isa::available() {
        for n_threads in [1, 2, 3] {
            assert_conforms(&Cpu::with_isa(isa, n_threads));
        }
    }
}

#[test]
fn products_of_rounded_factors_conform_within_bf16() {
    for n_threads in [1, 2, 3] {
        let device = Cpu::with_isa(Isa::detect_for_bf16(), n_threads).with_bf16_products();
        assert_conforms_within(&device, Bound::BF16_PRODUCTS);
    }
}
