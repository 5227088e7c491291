<%def name="it()" cached="True" cache_region="short" cache_key="${request.params['k']}">one${n()}</%def>${it()}
