//! The reference pages, made from what the program itself uses. A test keeps the committed ones the same.
