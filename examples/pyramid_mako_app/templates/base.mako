## What all pages share: the head, the style and the navigation.
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><%block name="title"/> – Quayside Library</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { border-bottom: 2px solid #24506e; }
h1, nav a { color: #24506e; }
nav a { margin-right: 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; }
th, td { padding: .25rem .5rem; text-align: left; border-bottom: 1px solid #ddd; }
.number { text-align: right; }
small { color: #666; }
</style>
</head>
<body>
<header>
<h1>Quayside Library</h1>
${navigation()}
</header>
<main>
${next.body()}
</main>
</body>
</html>
##
## The same for everyone, for an hour.
##
<%def name="navigation()" cached="True" cache_region="long">
<nav>
% for each in years:
<a href="?year=${each}">Most borrowed in ${each}</a>
% endfor
<small>rendered at ${now()}</small>
</nav>
</%def>
