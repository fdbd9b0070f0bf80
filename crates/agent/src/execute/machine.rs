//! What an order does to the machine itself: its domains, its services.

mod service;
mod site;
