#!/usr/bin/perl

# procmgr_database: what would look up a name or send a password in the clear
# is refused by nginx -t, and no message shows a password.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my @bad = (
    ['host=db.example.com user=u dbname=d', qr/not looked up/],
    ['user=u dbname=d', qr/folder of a socket/],
    ['host=/a,/b user=u dbname=d', qr/folder of a socket/],
    ['host=/run dbname=d', qr/"user" is missing/],
    ['host=/run user=u', qr/"dbname" is missing/],
    ['host=/run user=u dbname=d port=0', qr/"port" is no port/],
    ['host=/run user=u dbname=d port=70000', qr/"port" is no port/],
    ['host=/run user=u dbname=d port=1,2', qr/"port" is no port/],
    ['host=/run user=u dbname=d sslmode=verify-full', qr/on a socket/],
    ['hostaddr=127.0.0.1 user=u dbname=d', qr/"sslmode" is/],
    ['hostaddr=127.0.0.1 user=u dbname=d sslmode=prefer', qr/"sslmode" is/],
    ['hostaddr=127.0.0.1 user=u dbname=d sslmode=require', qr/"sslmode" is/],
    ['hostaddr=127.0.0.1 user=u dbname=d sslmode=verify-full',
     qr/needs "host"/],
    ['host=db hostaddr=127.0.0.1 user=u dbname=d sslmode=verify-full',
     qr/"sslrootcert"/],
    ['hostaddr=localhost user=u dbname=d sslmode=disable', qr/no address/],
    ['hostaddr=127.0.0.1,127.0.0.2 user=u dbname=d sslmode=disable',
     qr/no address/],
    ['host=/run user=u dbname=d options=-csearch_path=x',
     qr/"options" is not supported/],
    ['host=/run user=u dbname=d gssencmode=prefer',
     qr/"gssencmode" is not supported/],
    ['service=x host=/run user=u dbname=d', qr/"service" is not supported/],
    ['host=/run user=u dbname=d nonsense=1', qr/unknown keyword/],
    ['host=/run user=u dbname=d password=top s3cret', qr/keyword=value/],
    ['nonsense', qr/keyword=value/],
);

my @good = (
    'host=/run/postgresql user=u dbname=d',
    'host=@abstract user=u dbname=d port=6432',
    'hostaddr=127.0.0.1 user=u dbname=d sslmode=disable',
    'hostaddr=::1 host=db user=u dbname=d sslmode=verify-full '
        . 'sslrootcert=/etc/ssl/ca.pem password=s3cret keepalives_idle=5',
    'postgresql://u@/d?host=/run/postgresql',
);

my @listen = (
    ['listen=host=/run user=u dbname=d', qr/test is successful/],
    ['listen=', qr/invalid parameter "listen="/],
    ['lisen=host=/run user=u dbname=d', qr/invalid parameter/],
    ['listen=host=db user=u dbname=d', qr/not looked up/],
);

my $t = Test::Procmgr->new(plan => 2 * @bad + @good + @listen)->run(database => 0);
my $whole = $t->conf();

for (@bad) {
    my ($conninfo, $message) = @$_;
    my $said = tested($conninfo);

    like($said, qr/\[emerg\].*$message/, "refused: $conninfo");
    unlike($said =~ s/invalid value .*?" //r, qr/s3cret/, 'no password told');
}

like(tested($_), qr/test is successful/, "taken: $_") for @good;
like(tested(qq{host=/run user=u dbname=d" "$_->[0]}), $_->[1], $_->[0])
    for @listen;


sub tested {
    my ($conninfo) = @_;
    return $t->test_conf($whole =~ s/procmgr_database "[^"]*"/procmgr_database "$conninfo"/r);
}
