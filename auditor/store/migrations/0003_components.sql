-- Every piece of software of every ecosystem, once for each different list of them: a thousand runs in one environment share its list.
create table component_list (
    no integer,
    id blob                 -- sha256 over its lines; null: taken over from the table `package`
);

create table component (
    list_no integer, ecosystem varchar, name varchar,
    key varchar,            -- the name as it is sought: small letters, runs of `-`, `_` and `.` as one `-`
    version varchar,
    digest varchar          -- of what was installed, as the evidence has it; empty: not known
);

create table content_list (content_no integer, list_no integer);

insert into component_list select distinct content_no, null::blob from package;
insert into content_list select distinct content_no, content_no from package;
insert into component select content_no, 'pypi', name, regexp_replace(lower(name), '[-_.]+', '-', 'g'), version, '' from package;
drop table package;
