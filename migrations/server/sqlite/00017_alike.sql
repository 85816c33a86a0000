-- Cases that wait for a verdict, by their class: headquarters looks there for
-- others of the same material, whose fault may be the batch's.
--
-- +goose Up

CREATE INDEX state_defect_alike ON state_defect ("class", id, centre) WHERE deleted = 0 AND "status" = 'submitted';
