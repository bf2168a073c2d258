-- What Citus asks of a table before it distributes it, as functions of the same names on a plain Postgres: a real look at the
-- real schema. It shows that the definitions are accepted, not that statements run.
CREATE TABLE placed (name TEXT PRIMARY KEY, how TEXT NOT NULL, key TEXT, type TEXT, root TEXT);

CREATE FUNCTION refuse_what_citus_refuses(rel regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM placed WHERE name = rel::text) THEN
        RAISE EXCEPTION 'table % is already distributed', rel;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = rel AND NOT tgisinternal) THEN
        RAISE EXCEPTION 'triggers are not supported on distributed tables: %', rel;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'f' AND rel IN (conrelid, confrelid)) THEN
        RAISE EXCEPTION 'a foreign key of % leads to rows that may be elsewhere', rel;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_attrdef WHERE adrelid = rel AND pg_get_expr(adbin, adrelid) LIKE '%nextval(%') THEN
        RAISE EXCEPTION 'a sequence numbers %', rel;
    END IF;
END $$;

CREATE FUNCTION create_reference_table(rel regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_what_citus_refuses(rel);
    INSERT INTO placed VALUES (rel::text, 'reference', NULL, NULL, NULL);
END $$;

CREATE FUNCTION create_distributed_table(rel regclass, col text, colocate_with text, shard_count int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    att pg_attribute;
    root placed;
    bad text;
BEGIN
    PERFORM refuse_what_citus_refuses(rel);
    SELECT * INTO att FROM pg_attribute WHERE attrelid = rel AND attname = col AND NOT attisdropped;
    IF att IS NULL THEN
        RAISE EXCEPTION 'column % of relation % does not exist', col, rel;
    END IF;
    IF NOT att.attnotnull THEN
        RAISE EXCEPTION 'the distribution column % of % may be NULL', col, rel;
    END IF;
    SELECT indexrelid::regclass::text INTO bad FROM pg_index
        WHERE indrelid = rel AND indisunique AND NOT att.attnum = ANY (indkey::int2[]);
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'distributed relations cannot have UNIQUE constraints that do not include the partition column: %', bad;
    END IF;
    IF colocate_with = 'none' THEN
        IF shard_count IS NULL THEN
            RAISE EXCEPTION 'of % it is not said how many shards there are', rel;
        END IF;
    ELSE
        SELECT * INTO root FROM placed WHERE name = colocate_with AND how = 'distributed';
        IF root IS NULL THEN
            RAISE EXCEPTION '% is to be with %, which is not distributed', rel, colocate_with;
        END IF;
        IF root.type <> att.atttypid::regtype::text THEN
            RAISE EXCEPTION 'cannot colocate tables % and %: distribution column types don''t match', rel, colocate_with;
        END IF;
    END IF;
    INSERT INTO placed VALUES (rel::text, 'distributed', col, att.atttypid::regtype::text, colocate_with);
END $$;
