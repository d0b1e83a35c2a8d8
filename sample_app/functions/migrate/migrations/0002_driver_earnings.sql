-- A running total for each driver: one row to read, however many trips there were.
CREATE TABLE driver_earnings (
    driver_id text NOT NULL,
    currency text NOT NULL,
    trips bigint NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (driver_id, currency)
);

GRANT SELECT, INSERT, UPDATE ON driver_earnings TO trips;
