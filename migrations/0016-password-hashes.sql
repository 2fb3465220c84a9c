-- up

-- The entities say that these are hashed, and the app starts only where the database takes nothing else.
ALTER TABLE users
  ADD CONSTRAINT users_password_hash_hashed CHECK (password_hash LIKE '$argon2id$%');
ALTER TABLE sign_ups
  ADD CONSTRAINT sign_ups_password_hash_hashed CHECK (password_hash LIKE '$argon2id$%');

-- down

ALTER TABLE sign_ups DROP CONSTRAINT sign_ups_password_hash_hashed;
ALTER TABLE users DROP CONSTRAINT users_password_hash_hashed;
