#!/usr/bin/perl

# /metrics in both forms, read by a strict parser: names, types, units, no
# series twice, whatever processes call themselves; groups limited in number
# that add up to all; nobody but those nginx lets in.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 36)->run(workers => 2, interval => '200ms',
    locations => 'location /closed { procmgr metrics; deny all; }');

my @hostile = ("a\"b\\c\nd", "x\xffy", "x\xfey", "} 1\n# EOF\nz", '{a="b"}',
    'name="x",y="');
my @p = map { my $name = $_; spawn(code => sub { $0 = $name; 1 }) } @hostile;


# who may, and what he may ask

is($t->get('/closed')->{status}, 403, 'nginx closes it');
is($t->get('/metrics?by=pid')->{status}, 400, 'never by pid');
is($t->get('/metrics?top=1001')->{status}, 400, 'not without bounds');
is($t->get('/metrics/x')->{status}, 404, 'nothing below');
is($t->request('POST', '/metrics', {})->{status}, 405, 'only reading');


# both forms

my ($r, $m);

for my $open (0, 1) {
    my $form = $open ? 'OpenMetrics' : 'text';
    my %h = $open ? (Accept => 'application/openmetrics-text;version=1.0.0,'
        . 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1') : ();

    ok($t->wait_for(sub {
        $r = $t->get('/metrics?top=1000', \%h);
        $r->{body} =~ /name="\{a=\\"b\\"\}"/ && $r->{body} =~ /name="a\\"b/;
    }, 20), "$form: hostile names are there");

    is($r->{headers}{'content-type'}, $open
        ? 'application/openmetrics-text; version=1.0.0; charset=utf-8'
        : 'text/plain; version=0.0.4; charset=utf-8', "$form: its type");
    like($r->{headers}{vary} // '', qr/\bAccept\b/, "$form: by Accept");

    $m = parse($r->{body}, $open);
    is(join("\n", @{ $m->{wrong} }), '', "$form: well formed");

    my %named = map { ($_->{labels}{name} // '') => $_->{value} }
        @{ $m->{samples}{procmgr_group_processes} };
    is(join('|', map { $named{ shown($_) } // 'none' } @hostile),
        '1|2|2|1|1|1', "$form: each by its name, those alike together");
}

is($t->get('/metrics', { 'If-None-Match' => $r->{headers}{etag} })->{status},
    200, 'the other form is another answer');


# figures against others

my $s = $t->login('admin');
my $sum = $s->get('/system/summary')->{json};

my %mem = map { $_->{labels}{kind} => $_->{value} }
    @{ $m->{samples}{procmgr_host_memory_bytes} };
is($mem{total}, $sum->{memory}{total} * 1024, 'memory of the host');

my ($tasks, $processes, $threads) = (0, 0, 0);
$tasks += $_->{value} for @{ $m->{samples}{procmgr_host_tasks} };
$processes += $_->{value} for @{ $m->{samples}{procmgr_group_processes} };
$threads += $_->{value} for @{ $m->{samples}{procmgr_group_threads} };
is($processes, $tasks, 'the groups have all processes');
cmp_ok($threads, '>=', $processes, 'and their threads');

my @modes = map { $_->{labels}{mode} }
    @{ $m->{samples}{procmgr_host_cpu_seconds} };
is("@modes", 'user nice system idle iowait irq softirq steal', 'processors');

my ($nginx) = grep { ($_->{labels}{name} // '') eq 'nginx' }
    @{ $m->{samples}{procmgr_group_resident_memory_bytes} };
cmp_ok($nginx->{value}, '>', 1 << 20, 'memory of a group');


# the rest is one

for my $top (0, 1, 7) {
    my $few = parse($t->get("/metrics?top=$top")->{body}, 0);
    my @g = @{ $few->{samples}{procmgr_group_processes} };
    my ($total, $all) = (0, 0);
    $total += $_->{value} for @g;
    $all += $_->{value} for @{ $few->{samples}{procmgr_host_tasks} };

    is(scalar(grep { exists $_->{labels}{name} } @g), $top, "top $top");
    is(scalar(grep { ($_->{labels}{other} // '') eq 'true' } @g), 1,
        'and one for the rest');
    is($total, $all, 'no process is lost');
}

my $unit = parse($t->get('/metrics?by=unit')->{body}, 0);
is(join('', @{ $unit->{wrong} }), '', 'by unit');
ok(!(grep { !exists $_->{labels}{unit} && !exists $_->{labels}{other} }
    @{ $unit->{samples}{procmgr_group_processes} }), 'has units');


# the module's own counters only grow

my %first = own($t->get('/metrics'));
$s->get('/system/process') for 1 .. 5;
$s->get("/memory/$$");
my %then;
ok($t->wait_for(sub {
    %then = own($t->get('/metrics'));
    $then{procmgr_scans} > $first{procmgr_scans}
        && $then{procmgr_helper_runs} > $first{procmgr_helper_runs}
        && $then{procmgr_views_made} > $first{procmgr_views_made}
        && $then{procmgr_tasks} > $first{procmgr_tasks};
}, 20), 'what was done is counted');
ok(!(grep { $then{$_} < $first{$_} } keys %first), 'nothing shrinks');
ok($t->wait_for(sub {
    $s->get('/log/unread');
    %then = own($t->get('/metrics'));
    ($then{procmgr_database_up} // 0) == 1;
}, 20), 'the database answered');
cmp_ok($then{procmgr_scan_seconds}, '>', 0, 'the time of scans');

end(@p);


sub own {
    my ($answer) = @_;
    my $p = parse($answer->{body}, 0);
    return map { $_ => $p->{samples}{$_}[0]{value} }
        grep { !/_(?:host|group)_|_running$|_listeners$/ }
        keys %{ $p->{samples} };
}

# as the text shows a name

sub shown {
    my ($name) = @_;
    my $text = substr $name, 0, 15;
    $text =~ s/[\xfe\xff]/\x{fffd}/g;
    utf8::encode($text);
    return $text;
}

# {wrong} {samples}{family} = [{labels} {value}]

sub parse {
    my ($text, $open) = @_;
    my (%samples, @wrong, %type, %unit, %help, %seen, %closed, $family);
    my $eof = 0;

    push @wrong, 'no line feed at the end' if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {
        push @wrong, "behind the end: $line" if $eof;

        if ($line eq '# EOF') {
            $eof = 1;
            next;
        }

        if ($line =~ /^# (HELP|TYPE|UNIT) ([a-z_]+) (\S.*)$/) {
            my ($what, $name, $value) = ($1, $2, $3);
            my $f = $name;

            if ($what eq 'HELP' || !defined $family || $family ne $f) {
                $closed{$family}++ if defined $family;
                push @wrong, "twice: $line" if $closed{$f};
                $family = $f;
            }
            $help{$f} = $value if $what eq 'HELP';
            $type{$f} = $value if $what eq 'TYPE';
            $unit{$f} = $value if $what eq 'UNIT';
            push @wrong, "type: $line"
                if $what eq 'TYPE' && $value !~ /^(?:gauge|counter)$/;
            push @wrong, "unit: $line"
                if $what eq 'UNIT' && ($f !~ /_\Q$value\E$/ || !$open);
            next;
        }

        if ($line !~ /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\["\\n])*",?)*)\})? (-?\d+(?:\.\d+)?)$/) {
            push @wrong, "line: $line";
            next;
        }
        my ($name, $list, $value) = ($1, $2 // '', $3);

        my %labels;
        while ($list =~ /\G([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(?:,|\z)/g) {
            my ($k, $v) = ($1, $2);
            push @wrong, "label twice: $line" if exists $labels{$k};
            $v =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
            $labels{$k} = $v;
        }

        push @wrong, "of no family: $line"
            if !defined $family || $name ne ($open && $type{$family} eq 'counter'
                ? "${family}_total" : $family);
        push @wrong, "a counter's name: $line"
            if (($type{$family} // '') eq 'counter') != ($name =~ /_total$/ ? 1 : 0);
        push @wrong, "series twice: $line"
            if $seen{ join "\0", $name, map { $_, $labels{$_} }
                sort grep { length $labels{$_} } keys %labels }++;
        push @wrong, "not UTF-8: $line" if !utf8::decode(my $copy = $line);

        push @{ $samples{ $family =~ s/_total$//r } },
            { labels => \%labels, value => $value };
    }

    push @wrong, 'the end' if $eof != ($open ? 1 : 0);
    push @wrong, map { "no type: $_" } grep { !$type{$_} } keys %help;
    push @wrong, map { "no help: $_" } grep { !$help{$_} } keys %type;
    if ($open) {
        push @wrong, map { "no unit: $_" }
            grep { /_(?:bytes|seconds)$/ && !$unit{$_} } keys %type;
    }
    return { wrong => \@wrong, samples => \%samples };
}
