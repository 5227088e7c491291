<%inherit file="base.mako"/>
<%block name="title">Most borrowed in ${year}</%block>
<h2>Most borrowed in ${year}</h2>
${most_borrowed()}
<h2 id="wishes">Wanted by our readers</h2>
<ul>
% for wish in wishes:
${show_wish(wish)}
% endfor
</ul>
## No fragment: a form is where the token of a session would stand.
<form action="${request.route_path('wish')}" method="post">
<p>
<label>I want <select name="wish">
% for wish in wishes:
<option value="${wish.id}">${wish.title}</option>
% endfor
</select>, too.</label>
<label>My name is <input name="reader" maxlength="40" required></label>
<button>Tell the library</button>
</p>
</form>
##
## The slow one: a fragment for each year, for a minute.
##
<%def name="most_borrowed()" cached="True" cache_region="short" cache_key="${year}">
<table>
<caption><small>rendered at ${now()}</small></caption>
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
##
## A fragment for each wish, for a minute; the view add_wish removes one by its id.
##
<%def name="show_wish(wish)" cached="True" cache_region="short" cache_key="${wish.id}">
<li><cite>${wish.title}</cite>, wanted by ${", ".join(wish.readers)}
<small>rendered at ${now()}</small></li>
</%def>
