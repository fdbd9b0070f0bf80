-- Teams that are suspended, and invitations by which the installation's operator gives a team its owner.

ALTER TABLE tenants ADD COLUMN suspended_at {int};
ALTER TABLE tenants ADD COLUMN suspend_reason {text};

ALTER TABLE invitations ADD COLUMN from_operator {bool};
