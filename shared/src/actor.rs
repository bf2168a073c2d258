//! Starting an actor.

use std::sync::mpsc;

use actix::prelude::*;

/// Starts an actor on a thread of its own, with room for `mailbox_max` messages, and returns once it
/// has that room: before, it would take 16 and refuse a burst that comes with the start.
pub fn start_on_own_thread<A>(mailbox_max: usize, make: impl FnOnce() -> A + Send + 'static) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let (tell, told) = mpsc::sync_channel(1);
    let actor = A::start_in_arbiter(&Arbiter::new().handle(), move |ctx| {
        ctx.set_mailbox_capacity(mailbox_max);
        // Nobody listens any more only if the starting thread is gone.
        let _ = tell.send(());
        make()
    });
    // An error means that the new thread ended at once; then the first message says so.
    let _ = told.recv();
    actor
}
