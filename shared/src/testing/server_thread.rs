//! A server on a thread of its own, with an actors' system of its own: as alone as a process.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::process::Stopper;
use actix_web::rt::System;

/// What a started server runs as.
pub type Running = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// The running server. Dropping it stops the server, its actors and its thread.
pub struct ServerThread {
    stop: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    /// Starts a server by `start`, on a new thread, and returns what that gives besides.
    pub fn start<T: Send + 'static>(
        start: impl FnOnce() -> (T, Stopper, Running) + Send + 'static,
    ) -> (Self, T) {
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let system = System::new();
            system.block_on(async move {
                let (started, stop, running) = start();
                send.send((started, stop)).expect("somebody waits for the server");
                running.await.expect("the server runs until it is stopped");
                System::current().stop();
            });
            system.run().expect("the system ends in good order");
        });
        let (started, stop) = receive.recv().expect("the server starts");
        (Self { stop, thread: Some(thread) }, started)
    }
}

impl ServerThread {
    /// Tells the server to finish what is under way and to stop; the future ends when it has.
    pub fn stop_gracefully(&self) -> impl Future<Output = ()> + use<> {
        self.stop.stop(true)
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        // The order to stop is given by the call; what it returns only waits.
        drop(self.stop.stop(false));
        let stopped = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(stopped, Some(Ok(()))), "the server's thread panicked");
        }
    }
}
