//! People in the loop: what runs by itself at a place ([`routing`]), the cards before people ([`cards`]), their
//! decisions ([`decide`]), what is learnt from them ([`learn`]), and each person's inbox ([`inbox`]) with
//! what is wrong with machines and apps ([`alerts`]).

pub mod alerts;
pub(crate) mod cards;
pub(crate) mod decide;
pub mod deputies;
pub mod inbox;
pub(crate) mod learn;
pub mod learning;
pub mod routing;
