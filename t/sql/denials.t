#!/usr/bin/perl

# Denied requests: a row per code, source and five minutes, 60 per host.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my $json = JSON::PP->new->canonical;

sub denied {
    my ($host, @denied) = @_;
    my $list = Test::ProcmgrDb::quote($json->encode([ map { {
        code => 'bad_host', remote => '192.0.2.1', target => 'evil.example',
        agent => 'x', path => '/session', n => 1, %$_ } } @denied ]));
    $db->psql("SELECT procmgr.request_denied('$host', $list)",
        role => 'procmgr_web');
    return $db->{state};
}

sub rows {
    return $db->psql("SELECT count(*) FROM procmgr.op WHERE host = '$_[0]'");
}

sub total {
    return $db->psql("SELECT sum(n) FROM procmgr.request_denied_count "
        . "WHERE host = '$_[0]'");
}

# not across the end of a bucket

sleep 1 while time % 300 > 270;

is(denied('h1', { n => 7 }), '', 'the web role says so');
is(denied('h1', { n => 5, target => 'other.example' }), '', 'again');
is(rows('h1'), 1, 'one source is one row');
is(total('h1'), 12, 'and a count');
is($db->psql(<<'SQL'), <<"ROW" =~ s/\n\z//r, 'the row');
SELECT type, target, actor, remote, request->>'path', status, code
FROM procmgr.op_row WHERE host = 'h1'
SQL
request_denied|evil.example||192.0.2.1|/session|refused|bad_host
ROW

denied('h1', { code => 'bad_csrf' }, { code => 'bad_origin', target => '' },
    { remote => '192.0.2.2' });
is(rows('h1'), 4, 'another code or source is another row');
is($db->psql("SELECT count(*) FROM procmgr.op WHERE host = 'h1' "
    . "AND target IS NULL"), 1, 'which may have nothing to name');

denied('h1', { code => 'success' }, { code => 'bad_login' });
is(rows('h1'), 4, 'other codes are none');

denied('h2', map { { remote => "10.0.0.$_" } } 1 .. 50);
denied('h2', map { { remote => "10.0.1.$_" } } 1 .. 50);
is(rows('h2'), 61, 'many sources: 60 rows and one for the rest');
is(total('h2'), 100, 'all are counted');

my $long = "<\"'" x 5000;
is(denied('h3', { map { $_ => $long } qw(remote target agent path) }), '',
    'long texts are cut');
is($db->psql("SELECT length(target), length(remote), "
    . "length(request->>'agent'), length(request->>'path') "
    . "FROM procmgr.op WHERE host = 'h3'"), '256|64|256|256', 'to these');

is(denied('h4', { n => -5 }), '', 'a count below one');
is(total('h4'), 1, 'is one');

is($db->psql('SELECT count(*) > 0 FROM procmgr.request_denied_count',
    role => 'procmgr_audit'), 't', 'the audit role reads the counts');

done_testing();
