-- What one in-network file's counts are made from: owner_key (who is behind a group: its members and networks, or where it
-- has no members, the group itself), item_number and terms_number: prices say the same where item, terms and
-- negotiated_rate are the same. Reads the views staged_group, _item and _terms of that file.

CREATE OR REPLACE TEMP TABLE owner_key AS
SELECT group_ix, pg_members_uid,
  CAST(dense_rank() OVER (ORDER BY coalesce(pg_members_uid, pg_uid), network_names) - 1 AS INTEGER) AS owner
FROM staged_group;

-- Of a file with very many of them, items or terms that say the same may have several numbers.
CREATE OR REPLACE TEMP TABLE item_number AS
SELECT item_ix, dense_rank() OVER (
  ORDER BY code_type, code, negotiation_arrangement, severity_of_illness, contained_codes_uid) AS item
FROM staged_item;

CREATE OR REPLACE TEMP TABLE terms_number AS
SELECT terms_ix, dense_rank() OVER (
  ORDER BY billing_class, negotiated_type, expiration_date, pos_set_id, billing_code_modifiers,
    additional_information, setting) AS terms
FROM staged_terms;
