-- An invitation gives a role, or single permissions at one object. At once, however many there are; the version before still reads
-- them, and calls an invitation without a role broken.

ALTER TABLE invitations ADD COLUMN permissions {text};
