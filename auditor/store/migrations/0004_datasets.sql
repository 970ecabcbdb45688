-- The registered data set that a file belongs to; null where its manifest knew no such word.
alter table file add column dataset varchar;
