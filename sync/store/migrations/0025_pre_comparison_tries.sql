-- How often a run took up the comparison of a register: one that every run dies over must not keep the others waiting.

alter table comparison add column tries integer not null default 0;
