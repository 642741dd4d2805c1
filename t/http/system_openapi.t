#!/usr/bin/perl

# The description of the interface against the interface: every route, query
# parameter, limit and member of a body is in it, and all in it is accepted.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new()->run(interval => '1s',
    http => 'procmgr_history 10;', locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC
my $s = $t->login('admin');
my $viewer = $t->login('viewer');

is($t->get('/open/openapi.json?x=1')->{json}{detail},
    'unknown parameter "x", none is allowed here', 'nothing to choose');

my $r = $s->get('/system/openapi.json');
my $doc = $r->{json} // {};
is($r->{status}, 200, 'the description');
is($doc->{openapi}, '3.1.0', 'its version');
like($doc->{info}{$_}, qr/\S/, "its $_") for qw(title version);

my $watch = $s->post('/memory/watches', { pid => $$ })->{json}{id} // '';
my (@ops, %route);

for my $path (sort keys %{ $doc->{paths} }) {
    for my $method (sort keys %{ $doc->{paths}{$path} }) {
        push @ops, { %{ $doc->{paths}{$path}{$method} }, path => $path,
            method => uc $method, label => uc($method) . " $path" };
        $route{uc($method) . ' ' . $path =~ s/\{\w+\}/{}/gr} = 1;
    }
}

cmp_ok(scalar @ops, '>', 50, 'operations');

# its form

my @bad = grep { !resolve($_) } $r->{body} =~ /"\$ref":"([^"]+)"/g;
is("@bad", '', 'what it refers to is there');

for my $op (@ops) {
    my @in = sort $op->{path} =~ /\{(\w+)\}/g;
    my @said = sort map { $_->{name} }
        grep { $_->{in} eq 'path' && $_->{required} } @{ $op->{parameters} };
    my %seen;
    my @twice = grep { $seen{"$_->{in} $_->{name}"}++ } @{ $op->{parameters} };

    ok("@in" eq "@said" && !@twice
        && (grep { /^20[0-4]$/ } keys %{ $op->{responses} })
        && !(grep { !$_->{description} && !$_->{'$ref'} }
            values %{ $op->{responses} })
        && $op->{summary} =~ /\S/ && $op->{summary} ne 'Not described',
        "$op->{label}: well formed");
}

# the same routes as in the tables

my (%family, %table, %code);
my $text = Test::Procmgr::read_path("$Test::Procmgr::TOP/src/http/"
    . 'ngx_http_procmgr_route.c');
while ($text =~ /\{ NGX_HTTP_PROCMGR_(\w+), ngx_http_procmgr_(\w+)_routes \}/g)
{
    $family{$2} = lc $1;
}

for my $file (glob("$Test::Procmgr::TOP/src/http/*.c")) {
    my $c = Test::Procmgr::read_path($file);

    while ($c =~ /ngx_http_procmgr_(\w+)_routes\[\] = \{(.*?)\n\};/sg) {
        my ($name, $rows) = ($1, $2);
        while ($rows =~ /\{ NGX_HTTP_(\w+), "([^"]*)"/g) {
            my ($method, $path) = ($1, $2);
            $path =~ s/\{\w+\}/{}/g;
            $table{"$method /$family{$name}" . ($path ne '' && "/$path")} = 1;
        }
    }

    while ($c =~ /(?:_problem|_problem_json|job_fail)\(\s*\w+,\s*
        NGX_HTTP_(\w+),\s*"([a-z_]+)"/sgx)
    {
        $code{"$1 $2"} = 1;
    }
}

is_deeply([sort keys %route], [sort keys %table], 'the routes of the module');

my %status = (BAD_REQUEST => 400, UNAUTHORIZED => 401, FORBIDDEN => 403,
    NOT_FOUND => 404, NOT_ALLOWED => 405, CONFLICT => 409,
    REQUEST_ENTITY_TOO_LARGE => 413, UNSUPPORTED_MEDIA_TYPE => 415,
    MISDIRECTED_REQUEST => 421, TOO_MANY_REQUESTS => 429,
    INTERNAL_SERVER_ERROR => 500, NOT_IMPLEMENTED => 501,
    SERVICE_UNAVAILABLE => 503);
my %said;

for my $op (@ops) {
    for (grep { $op->{responses}{$_}{'$ref'} } keys %{ $op->{responses} }) {
        my $answer = resolve($op->{responses}{$_}{'$ref'});
        my $schema = $answer->{content}{'application/problem+json'}{schema};
        for my $word (@{ $schema->{properties}{code}{examples} }) {
            $said{"$_ $word"} = 1;
        }
    }
}

is(join("\n", grep { my ($name, $word) = split;
    !$said{($status{$name} // $name) . " $word"} } sort keys %code), '',
    'the codes of problems');

# each route: the names it takes, and what each may be

my %value = (path => '/', sort => 'pid', fields => 'pid', pid => 1,
    q => 'xyz&since=2026-01-01T00:00:00Z',
    filter => 'pid = 1', open => '/x', user => 'root',
    since => '2026-01-01T00:00:00Z', until => '2026-01-01T00:00:00Z');
my @items = qw(name memory_maps children connections);

for my $op (grep { $_->{method} eq 'GET' } @ops) {
    my @query = grep { $_->{in} eq 'query' } @{ $op->{parameters} };
    my (%taken, %at);


    for my $item ($op->{path} =~ /\{item\}/ ? @items : 'name') {
        my $url = url($op, $item);
        my $detail = detail($url, 'zzz=1');

        $detail =~ /^unknown\ parameter\ "zzz",
            \ (?:none\ is\ )?allowed\ (?:here|is\ (.*))$/x
            or diag("$url: $detail");
        for (split /, /, $1 // '') {
            $taken{$_} = 1;
            $at{$_} = $url;
        }
    }

    is(join(' ', sort map { $_->{name} } @query), join(' ', sort keys %taken),
        "$op->{label}: its parameters");

    for my $p (@query) {
        my ($name, $schema, $url) = ($p->{name}, $p->{schema},
            $at{$p->{name}} // url($op, 'name'));
        my ($wrong, $why, $good);

        if ($schema->{type} eq 'boolean') {
            ($wrong, $why, $good) = ('x', qr/true, false/, 'true');

        } elsif ($schema->{enum}) {
            my $list = join ', ', @{ $schema->{enum} };
            ($wrong, $why, $good) = ('x', qr/one of \Q$list\E$/,
                $schema->{enum}[0]);

        } elsif ($schema->{type} eq 'integer') {
            my $max = $schema->{maximum} // '9223372036854775807';
            ($wrong, $why, $good) = ($schema->{minimum} - 1,
                qr/from $schema->{minimum} to $max$/,
                $schema->{minimum});

        } else {
            ($wrong, $why, $good) = ('x' x ($schema->{maxLength} + 1),
                qr/$schema->{minLength} to $schema->{maxLength} bytes$/,
                $value{$name} // 'x');
        }

        like(detail($url, "$name=$wrong"), $why, "$op->{label}: $name");
        isnt($s->get("$url?$name=" . $good =~ s/ /+/gr)->{status}, 400,
            "$op->{label}: $name=$good");
    }

    my $role = $op->{'x-role'} // 'anyone';

    # a stream does not end, and of /maps there may be none to see for him

    my $status = $viewer->request($op->{path} eq '/events' ? 'HEAD' : 'GET',
        url($op, 'name'))->{status};
    $status = 404 if $op->{path} =~ m{/maps$} && $status == 403;
    ok($role =~ /^(?:operator|admin)$/ ? $status == 403
        : $status != 401 && $status != 403,
        "$op->{label}: for $role: $status");
}

# each body: an unknown member tells the others

for my $op (grep { $_->{requestBody} } @ops) {
    my $schema = $op->{requestBody}{content}{'application/json'}{schema};
    my %left = map { $_ => 1 } keys %{ $schema->{properties} };
    my $a = $s->request($op->{method}, url($op), { zzz => 1 });
    my ($list) = ($a->{json}{detail} // '')
        =~ /unknown member "zzz", allowed is (.*)/;

    is($a->{status}, 400, "$op->{label}: not any member");
    my @more = grep { !delete $left{$_} } split /, /, $list // '';
    is("@more", '', "$op->{label}: all that it takes");

    for (sort keys %left) {
        my $b = $s->request($op->{method}, url($op), { $_ => { } });
        like($b->{json}{detail}, qr/^(?!unknown).*\b$_\b/,
            "$op->{label}: $_ is known");
    }

    is_deeply([grep { !$schema->{properties}{$_} } @{ $schema->{required} }],
        [], "$op->{label}: a must is a member");
}

done_testing();


sub resolve {
    my ($ref) = @_;
    my $at = $doc;
    $at = ref $at eq 'HASH' ? $at->{$_} : undef
        for grep { $_ ne '#' } split m{/}, $ref;
    return $at;
}

sub url {
    my ($op, $item) = @_;
    my $id = '00000000-0000-4000-8000-000000000000';
    my %w = (pid => $$, item => $item // 'name', service => 'demo',
        account => 'viewer', operation => $id, session => $id,
        watch => $watch);
    return $op->{path} =~ s/\{(\w+)\}/$w{$1} \/\/ 'x'/ger;
}

sub detail {
    my ($url, $query) = @_;
    my $r = $s->get("$url?$query");
    return $r->{status} == 400 ? $r->{json}{detail} : "status $r->{status}";
}
