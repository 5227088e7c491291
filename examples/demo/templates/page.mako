<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Most borrowed in ${year} – Quayside Library</title>
<%include file="style.html"/>
</head>
<body>
<header>
<h1>Quayside Library</h1>
${navigation()}
</header>
<main>
<h2>Most borrowed in ${year}</h2>
${most_borrowed()}
</main>
<footer>Rendered by Mako.</footer>
</body>
</html>
##
## The same for everyone, for an hour.
##
<%def name="navigation()" cached="True" cache_region="long">
<nav>
% for each in years:
<a href="#${each}">${each}</a>
% endfor
<a href="#hours">Opening hours</a>
<a href="#catalogue">Catalogue</a>
</nav>
</%def>
##
## The slow one: a fragment for each year, for a minute.
##
<%def name="most_borrowed()" cached="True" cache_region="short" cache_timeout="60"
      cache_key="${year}">
<table>
<thead>
<tr><th>Title</th><th>Author</th><th>Shelf</th><th>Loans</th><th>Also borrowed</th></tr>
</thead>
<tbody>
% for book in library.most_borrowed(year):
<tr><td>${book["title"]}</td><td>${book["author"]}</td><td>${book["shelf"]}</td>
<td class="number">${book["loans"]}</td><td>${book["besides"]}</td></tr>
% endfor
</tbody>
</table>
</%def>
