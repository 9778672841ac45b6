//! A run that ends early: by a panic, by request, or never begins because another is there.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use hadal_cpu::Cpu;
use hadal_train::{Control, Error, Event, train, verify_checkpoint};

use crate::faulty::Faulty;
use crate::workshop::{Workshop, assert_undisturbed};

#[test]
fn a_panic_in_a_worker_is_a_sentence_and_the_run_goes_on_from_what_is_whole() {
    let workshop = Workshop::new();
    let (ended, _) = workshop.run_on(&Faulty::at_step(8), &[], false);
    let message = ended.expect_err("a thread panicked").to_string();
    let expected = "a fault of the program ended the run at step 8: expert 5 of 4. ";
    assert!(message.starts_with(expected), "{message}");
    assert!(message.ends_with("checkpoint-0000006 is whole: go on with --resume"), "{message}");
    workshop.run(&[], true).0.expect("it goes on in the same process");
    assert_undisturbed(&workshop);
}

#[test]
fn a_panic_before_the_first_checkpoint_says_that_there_is_none() {
    let workshop = Workshop::new();
    let (ended, _) = workshop.run_on(&Faulty::at_step(2), &[], false);
    let message = ended.expect_err("a thread panicked").to_string();
    assert!(message.ends_with("No checkpoint was made yet. Begin anew"), "{message}");
    workshop.run(&[], false).0.expect("it begins anew");
    assert_undisturbed(&workshop);
}

#[test]
fn a_run_that_is_asked_to_stop_finishes_its_step_and_saves_it() {
    let workshop = Workshop::new();
    let stop = AtomicBool::new(false);
    let control = Control { resume: false, stop: &stop };
    let ended = train(&workshop.recipe(&[]), &Cpu::new(2), control, &mut |event| {
        if matches!(event, Event::Step(step) if step.step == 4) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let message = ended.expect_err("it stopped").to_string();
    assert!(message.starts_with("stopped after step 4 of 12, as asked. "), "{message}");
    assert!(message.ends_with("checkpoint-0000004 is whole: go on with --resume"), "{message}");
    verify_checkpoint(&workshop.checkpoint(4)).expect("it is whole");
    workshop.run(&[], true).0.expect("it goes on");
    // The checkpoint of step 4 is one more than an undisturbed run makes.
    let text = fs::read_to_string(workshop.path("run/metrics.jsonl")).expect("there");
    let is_extra = |line: &&str| line.starts_with("{\"event\":\"saved\",\"step\":4,");
    assert_eq!(text.lines().filter(is_extra).count(), 1);
    let rest: Vec<&str> = text.lines().filter(|line| !is_extra(line)).collect();
    fs::write(workshop.path("run/metrics.jsonl"), rest.join("\n")).expect("written");
    assert_undisturbed(&workshop);
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let workshop = Workshop::new();
    let mut second = None;
    let control = Control { resume: false, stop: &AtomicBool::new(false) };
    let first = train(&workshop.recipe(&[]), &Cpu::new(2), control, &mut |event| {
        if matches!(event, Event::Step(step) if step.step == 4) {
            second = Some(workshop.run(&[], true).0);
        }
    });
    first.expect("it trains");
    let second = second.expect("it was tried").expect_err("the folder is in use");
    assert!(matches!(second, Error::RunIsBusy { .. }), "{second}");
    assert_undisturbed(&workshop);
}
