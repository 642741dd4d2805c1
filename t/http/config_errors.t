#!/usr/bin/perl

# What nginx -t refuses, and that it says why: the message names the value.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new()->run(database => 0, conf => <<'EOF');
load_module %%DIR%%/modules/ngx_http_procmgr_module.so;
%%USER%%
pid %%DIR%%/nginx/nginx.pid;
error_log %%DIR%%/nginx/logs/error.log;
events { }
http {
    access_log off;
    server { listen 127.0.0.1:%%PORT%%; }
}
EOF

my $d = $t->{dir};
my $zone = 'procmgr_zone procmgr:32m;';
my $db = 'procmgr_database "host=/nowhere user=procmgr_web dbname=procmgr";';
my $key = "$d/etc/helper.key";
my $helper = "/usr/libexec/procmgr-helper key=$key";

sub conf {
    my ($http, $locations, $main) = @_;
    $locations //= '';
    $main //= 'thread_pool procmgr threads=2;';

    return <<EOF;
load_module $d/modules/ngx_http_procmgr_module.so;
pid $d/nginx/test.pid;
error_log $d/nginx/logs/test.log;
$main
events { }
http {
    access_log off;
    client_body_temp_path $d/nginx/tmp/body;
    proxy_temp_path $d/nginx/tmp/proxy;
    fastcgi_temp_path $d/nginx/tmp/fastcgi;
    uwsgi_temp_path $d/nginx/tmp/uwsgi;
    scgi_temp_path $d/nginx/tmp/scgi;
    $http
    server { listen 127.0.0.1:$t->{port}; $locations }
}
EOF
}

sub secret {
    my ($name, $text, $mode) = @_;
    return $t->write("etc/$name", $text, $mode // 0600);
}

symlink $key, "$d/etc/link.key" or die;
mkdir "$d/etc/folder.key" or die;

my $session = 'location /session { procmgr session; }';
my $system = 'location /system/ { procmgr system; }';
my $control = 'location /control/ { procmgr control; }';

my @good = (
    ['nothing of it', ''],
    ['all of it', <<EOF, "$session $system $control"],
$zone $db procmgr_helper $helper max=2; procmgr_interval 500ms; procmgr_history 300;
procmgr_thread_pool procmgr; procmgr_session absolute=1h idle=5m;
procmgr_cookie pm-2; procmgr_auth on; procmgr_role viewer;
procmgr_origin https://host.example http://[::1]:8080 http://127.0.0.1:80;
EOF
    ['what a family needs stands behind it', '',
        "$session } $zone $db server { listen 127.0.0.1:$t->{port};"],
    ['metrics without database', $zone, 'location /m { procmgr metrics; }'],
    ['memory and events', "$zone $db procmgr_events max=10000;",
        'location /m/ { procmgr memory; } location /e { procmgr events; }'],
    ['no history', "$zone procmgr_history off;"],
    ['system without sessions and database', $zone,
        'location /system/ { procmgr system; procmgr_auth off; }'],
    ['two servers', "$zone $db",
        "$session $system } server { listen 127.0.0.1:$t->{port};"
        . "server_name two; $session $control"],
    ['a helper that is not there', "$zone procmgr_helper /nowhere key=$key;"],
    ['a key of 64 digits', "$zone procmgr_helper /nowhere key="
        . secret('hex.key', 'aB' x 32 . "\n") . ';'],
    ['a database from a file', "$zone procmgr_database file="
        . secret('db', "host=/nowhere user=u dbname=d password=x\n") . ';',
        $session],
    ['an empty origin list is not needed for limit_except', "$zone $db",
        'location /log { procmgr log; limit_except GET { deny all; } }'],
);

my @bad = (
    ['', 'location / { procmgr nothing; }', qr/invalid value "nothing"/],
    ['', 'location / { procmgr; }', qr/number of arguments in "procmgr"/],
    ["$zone $db", 'location / { procmgr session; procmgr log; }',
        qr/"procmgr" directive is duplicate/],
    ["$zone $db", 'location ~ ^/x { procmgr session; }',
        qr/regular expression location "\^\/x"/],
    ["$zone $db", 'location @x { procmgr session; }',
        qr/named location "\@x"/],
    ['procmgr session;', undef, qr/"procmgr" directive is not allowed here/],

    ['procmgr_zone procmgr;', undef, qr/invalid zone "procmgr"/],
    ['procmgr_zone :1m;', undef, qr/invalid zone ":1m"/],
    ['procmgr_zone procmgr:lots;', undef, qr/invalid zone size "procmgr:lots"/],
    ['procmgr_zone procmgr:;', undef, qr/invalid zone size "procmgr:"/],
    ['procmgr_zone procmgr:64k;', undef, qr/zone "procmgr"/],
    ["$zone $zone", undef, qr/"procmgr_zone" directive is duplicate/],

    ["$zone procmgr_database ''; ", undef, qr/empty or too long/],
    ["$zone procmgr_database host=db.example;", undef,
        qr/invalid "procmgr_database": /],
    ["$zone procmgr_database nonsense=1;", undef,
        qr/invalid "procmgr_database": /],
    ["$zone $db $db", undef, qr/"procmgr_database" directive is duplicate/],
    ["$zone procmgr_database file=$d/etc/missing;", undef,
        qr/"\Q$d\E\/etc\/missing" failed \(2: /],
    ["$zone procmgr_database file=" . secret('wide', 'host=/x', 0644) . ';',
        undef, qr/etc\/wide" is accessible by others/],
    ["$zone procmgr_database file=" . secret('none', "\n") . ';', undef,
        qr/etc\/none" holds no connection string/],

    ["$zone procmgr_helper relative key=$key;", undef,
        qr/path "relative" must be absolute/],
    ["$zone procmgr_helper /x;", undef, qr/helper "\/x" has no "key="/],
    ["$zone procmgr_helper /x key=$d/etc/missing;", undef,
        qr/"\Q$d\E\/etc\/missing" failed \(2: /],
    ["$zone procmgr_helper /x key=$d/etc/link.key;", undef,
        qr/etc\/link.key" failed \(40: /],
    ["$zone procmgr_helper /x key=$d/etc/folder.key;", undef,
        qr/etc\/folder.key" is not a regular file/],
    ["$zone procmgr_helper /x key=" . secret('w.key', 'x' x 32, 0640) . ';',
        undef, qr/etc\/w.key" is accessible by others/],
    ["$zone procmgr_helper /x key=" . secret('s.key', 'x' x 31) . ';', undef,
        qr/etc\/s.key" is no key/],
    ["$zone procmgr_helper /x key=" . secret('h.key', 'ag' x 32) . ';', undef,
        qr/etc\/h.key" is no key/],
    ["$zone procmgr_helper /x key=" . secret('l.key', 'a' x 200) . ';', undef,
        qr/etc\/l.key" is too long/],
    ["$zone procmgr_helper $helper max=0;", undef, qr/invalid number "max=0"/],
    ["$zone procmgr_helper $helper max=65;", undef,
        qr/invalid number "max=65"/],
    ["$zone procmgr_helper $helper what=1;", undef,
        qr/parameter "what=1"/],
    ["$zone procmgr_helper $helper key=$key;", undef,
        qr/duplicate parameter "key=/],
    ["$zone procmgr_helper $helper; procmgr_helper $helper;", undef,
        qr/"procmgr_helper" directive is duplicate/],

    ['procmgr_interval never;', undef, qr/invalid interval "never"/],
    ['procmgr_interval 1ms;', undef, qr/invalid interval "1ms"/],
    ['procmgr_interval 2h;', undef, qr/invalid interval "2h"/],
    ['procmgr_interval 1s; procmgr_interval 1s;', undef,
        qr/"procmgr_interval" directive is duplicate/],

    (map { ["$zone procmgr_history '$_';", undef,
        qr/invalid history "\Q$_\E", it must be "off" or from 2 to 100000/] }
        '', 'on', '-1', '0', '1', '1k', '100001', '99999999999999999999'),
    ["$zone procmgr_history;", undef,
        qr/number of arguments in "procmgr_history"/],
    ["$zone procmgr_history off; procmgr_history 9;", undef,
        qr/"procmgr_history" directive is duplicate/],
    ['procmgr_history 9;', undef, qr/"procmgr_history" needs "procmgr_zone"/],

    ["$zone procmgr_thread_pool other;", undef,
        qr/unknown thread pool "other"/],
    ['procmgr_thread_pool a; procmgr_thread_pool b;', undef,
        qr/"procmgr_thread_pool" directive is duplicate/],

    ['procmgr_session idle=no;', undef, qr/invalid time "idle=no"/],
    ['procmgr_session idle=0;', undef, qr/invalid time "idle=0"/],
    ['procmgr_session absolute=31d;', undef, qr/invalid time "absolute=31d"/],
    ['procmgr_session idle=9h;', undef, qr/"absolute" of 28800 s .*32400 s/],
    ['procmgr_session sometime=1h;', undef,
        qr/invalid parameter "sometime=1h"/],
    ['procmgr_session idle=1h idle=1h;', undef,
        qr/duplicate parameter "idle=1h"/],
    ['procmgr_session idle=1h; procmgr_session absolute=9h;', undef,
        qr/"procmgr_session" directive is duplicate/],

    (map { ["procmgr_origin '$_';", undef, qr/invalid origin "\Q$_\E"/] }
        'host.example', 'ftp://host', 'http://', 'http://:80', 'http://h:0',
        'http://h:65536', 'http://h:', 'http://h/', 'http://h:1:2',
        'http://u@h', 'http://[::1', 'http://*.h'),
    ['procmgr_origin http://a; procmgr_origin http://b;', undef,
        qr/"procmgr_origin" directive is duplicate/],

    (map { ["procmgr_cookie '$_';", undef,
        qr/invalid cookie name "\Q$_\E"/] }
        'a b', 'a;b', '__Host-x', '', 'x' x 65),
    ['procmgr_cookie a; procmgr_cookie b;', undef,
        qr/"procmgr_cookie" directive is duplicate/],

    (map { ["procmgr_events $_;", undef, qr/invalid number "\Q$_\E"/] }
        'max=0', 'max=', 'max=x', 'max=-1', 'max=10001'),
    ['procmgr_events 5;', undef, qr/invalid parameter "5"/],
    ['procmgr_events max=5; procmgr_events max=6;', undef,
        qr/"procmgr_events" directive is duplicate/],

    ['procmgr_auth maybe;', undef,
        qr/invalid value "maybe" in "procmgr_auth" directive/],
    ['procmgr_role root;', undef, qr/invalid value "root"/],
    ['procmgr_role viewer; procmgr_role admin;', undef,
        qr/"procmgr_role" directive is duplicate/],

    [$zone, $session, qr/"procmgr session" needs "procmgr_database"/],
    [$zone, $system, qr/"procmgr system" needs "procmgr_database"/],
    [$db, $system, qr/"procmgr system" needs "procmgr_zone"/],
    [$db, 'location /m { procmgr metrics; }',
        qr/"procmgr metrics" needs "procmgr_zone"/],
    [$zone, 'location /m/ { procmgr memory; }',
        qr/"procmgr memory" needs "procmgr_database"/],
    [$zone, 'location /e { procmgr events; }',
        qr/"procmgr events" needs "procmgr_database"/],
    [$zone, 'location /log { procmgr log; procmgr_auth off; }',
        qr/"procmgr log" needs "procmgr_database"/],
    ["$zone $db", 'location /c { procmgr control; procmgr_auth off; }',
        qr/"procmgr control" in location "\/c" .*"procmgr_auth off"/],
    ["$zone $db procmgr_auth off;", $control,
        qr/"procmgr control" in location "\/control\/"/],
    ["$zone $db", 'location /s { procmgr session; procmgr_auth off; }',
        qr/"procmgr session" in location "\/s"/],
);

plan tests => 2 * @bad + @good + 2;

for (@good) {
    my ($name, @conf) = @$_;
    like($t->test_conf(conf(@conf)), qr/test is successful/, "good: $name");
}

for (@bad) {
    my ($http, $locations, $why) = @$_;
    my $out = $t->test_conf(conf($http, $locations));
    my ($line) = $out =~ /^(.*\[emerg\].*)$/m;

    like($line // '', $why, "refused: " . ($locations // $http));
    unlike($out, qr/test is successful/, '- and the test fails');
}

# an inherited thread pool name that nobody defined

like($t->test_conf(conf($zone, '', '')), qr/unknown thread pool "procmgr"/,
    'the pool must exist');

my $out = $t->test_conf(conf("$zone procmgr_database "
    . '"host=db.example password=canary4711";'));
unlike($out, qr/canary4711/, 'a password is not in a message');
