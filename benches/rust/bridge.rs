//! What a wake-up costs before Python comes into it.
//!
//! `cargo bench --bench bridge`; the whole trip is measured by `benches/python`.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::task::Wake;

use _core::bridge::bell::Bell;
use _core::bridge::mailbox::{Mailbox, OpWaker, WakeId};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// As many completions as a drain takes at once.
const BURST: u32 = 512;

fn id(slot: u32) -> WakeId {
    WakeId { slot, generation: 1 }
}

/// A burst put in and taken out, on one thread.
fn mailbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(BURST.into()));
    let mailbox = Mailbox::new(Bell::silent());
    let mut taken = VecDeque::new();
    group.bench_function("push and take", |bencher| {
        bencher.iter(|| {
            for slot in 0..BURST {
                mailbox.push(id(slot));
            }
            mailbox.take(&mut taken);
            black_box(taken.drain(..).count())
        });
    });
    group.finish();
}

/// A burst of wakers woken, with the bell that a loop watches: one system call for all of them.
fn wake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wake");
    group.throughput(Throughput::Elements(BURST.into()));
    for (name, bell) in [("silent", Bell::silent as fn() -> Bell), ("fd", rung)] {
        let mailbox = Arc::new(Mailbox::new(bell()));
        let mut taken = VecDeque::new();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    (0..BURST)
                        .map(|slot| Arc::new(OpWaker::new(Arc::clone(&mailbox), id(slot))))
                        .collect()
                },
                |wakers: Vec<_>| {
                    wakers.iter().for_each(Wake::wake_by_ref);
                    mailbox.silence();
                    mailbox.take(&mut taken);
                    taken.clear();
                    wakers
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

#[cfg(unix)]
#[allow(clippy::expect_used, reason = "a bench without a bell has nothing to measure")]
fn rung() -> Bell {
    Bell::fd().expect("an eventfd or a pipe")
}

#[cfg(not(unix))]
fn rung() -> Bell {
    Bell::silent()
}

criterion_group!(benches, mailbox, wake);
criterion_main!(benches);
