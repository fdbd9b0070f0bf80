-- Until when a password is good that somebody else has seen, and that its owner has to change before anything else.

ALTER TABLE users ADD COLUMN password_due_at {int};
