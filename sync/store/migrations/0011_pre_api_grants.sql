-- The distinct organizations of a client's day: noted by the api, cleared by the api when the day is over.
grant select, insert, delete on client_use to uscc_api;
grant select on client_use to uscc_job;
