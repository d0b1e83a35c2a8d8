-- Each completed trip, as its message told it, and its fare.
CREATE TABLE trip (
    trip_id text PRIMARY KEY,
    driver_id text NOT NULL,
    rider_id text NOT NULL,
    currency text NOT NULL,
    distance_km numeric NOT NULL CHECK (distance_km >= 0),
    duration_s bigint NOT NULL CHECK (duration_s >= 0),
    completed_at timestamptz NOT NULL,
    fare numeric NOT NULL CHECK (fare >= 0)
);

GRANT SELECT, INSERT ON trip TO trips;
